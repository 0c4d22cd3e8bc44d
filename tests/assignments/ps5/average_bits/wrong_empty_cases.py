def average_bits(counts):
    def mean_bits(cases):
        weights = cases.sum(-1) / cases.sum()
        p = cases / cases.sum(-1, keepdim=True)
        return (weights * torch.special.entr(p).sum(-1)).sum().item() / math.log(2)

    c = counts.double()
    return mean_bits(c.sum((0, 1))), mean_bits(c.sum(1)), mean_bits(c.sum(0)), mean_bits(c)
