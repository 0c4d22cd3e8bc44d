def average_bits(counts):
    def mean_bits(cases):
        bits, total = 0.0, 0
        for case in cases.tolist():
            for n in case:
                if n > 0:
                    bits -= n * math.log2(n / sum(case))
            total += sum(case)
        return bits / total

    symbols = counts.shape[-1]
    return [
        mean_bits(counts.sum((0, 1)).reshape(1, symbols)),
        mean_bits(counts.sum(1)),
        mean_bits(counts.sum(0)),
        mean_bits(counts.reshape(-1, symbols)),
    ]
