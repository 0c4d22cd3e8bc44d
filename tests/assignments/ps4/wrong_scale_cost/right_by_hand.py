def wrong_scale_cost(scale, ratio):
    def bin_of(v, s):
        return 0.5 * (math.erfc((v - 0.5) / s / 2**0.5) - math.erfc((v + 0.5) / s / 2**0.5))

    total = 0.0
    for v in range(int(9 * scale) + 3):
        p = bin_of(v, scale)
        if p > 1e-15:
            total += (1 if v == 0 else 2) * p * math.log2(p / bin_of(v, ratio * scale))
    return total
