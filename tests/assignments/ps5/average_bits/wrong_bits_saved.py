def average_bits(counts):
    p = counts.double() / counts.sum()
    H = lambda t: (torch.special.entr(t).sum() / math.log(2)).item()
    y = H(p.sum((0, 1)))
    return 0.0, y - H(p.sum(1)) + H(p.sum((1, 2))), y - H(p.sum(0)) + H(p.sum((0, 2))), y - H(p) + H(p.sum(2))
