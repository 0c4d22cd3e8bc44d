def average_bits(counts):
    from collections import defaultdict

    def H(key):
        cases, total, bits = defaultdict(lambda: defaultdict(int)), 0, 0.0
        for z, c, y in np.ndindex(*counts.shape):
            k = int(counts[z, c, y])
            cases[key(z, c)][y] += k
            total += k
        for case in cases.values():
            whole = sum(case.values())
            bits += sum(k * (math.log2(whole) - math.log2(k)) for k in case.values() if k)
        return bits / total

    return np.array([H(lambda z, c: 0), H(lambda z, c: z), H(lambda z, c: c), H(lambda z, c: (z, c))])
