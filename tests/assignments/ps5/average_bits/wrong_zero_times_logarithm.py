def average_bits(counts):
    p = counts / counts.sum()
    H = lambda t: -(t * t.log2()).sum()
    return (
        H(p.sum((0, 1))),
        H(p.sum(1)) - H(p.sum((1, 2))),
        H(p.sum(0)) - H(p.sum((0, 2))),
        H(p) - H(p.sum(2)),
    )
