def average_bits(counts):
    def mean_bits(cases):
        p = cases / cases.sum(-1, keepdim=True).clamp_min(1)
        return (torch.special.entr(p).sum(-1) / math.log(2)).mean().item()

    c = counts.double()
    return mean_bits(c.sum((0, 1))), mean_bits(c.sum(1)), mean_bits(c.sum(0)), mean_bits(c)
