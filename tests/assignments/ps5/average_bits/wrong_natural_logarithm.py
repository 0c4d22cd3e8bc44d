def average_bits(counts):
    p = counts.double() / counts.sum()
    H = lambda t: torch.special.entr(t).sum().item()
    return (
        H(p.sum((0, 1))),
        H(p.sum(1)) - H(p.sum((1, 2))),
        H(p.sum(0)) - H(p.sum((0, 2))),
        H(p) - H(p.sum(2)),
    )
