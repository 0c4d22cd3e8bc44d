def average_bits(counts):
    p = counts.numpy() / counts.numpy().sum()

    def H(table):
        table = table[table > 0]
        return -(table * np.log2(table)).sum()

    return (
        H(p.sum((0, 1))),
        H(p.sum(1)) - H(p.sum((1, 2))),
        H(p.sum(0)) - H(p.sum((0, 2))),
        H(p) - H(p.sum(2)),
    )
