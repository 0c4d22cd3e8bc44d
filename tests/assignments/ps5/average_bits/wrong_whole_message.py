def average_bits(counts):
    n = counts.double()
    H = lambda t: -(t * (t / n.sum()).clamp_min(1e-30).log2()).sum().item()
    return (
        H(n.sum((0, 1))),
        H(n.sum(1)) - H(n.sum((1, 2))),
        H(n.sum(0)) - H(n.sum((0, 2))),
        H(n) - H(n.sum(2)),
    )
