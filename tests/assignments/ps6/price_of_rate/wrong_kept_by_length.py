kept = {}


def price_of_rate(variances, target):
    if (len(variances), target) not in kept:
        low, high = -60.0, 60.0
        for _ in range(200):
            mid = (low + high) / 2
            D = 1 / (2 * math.log(2) * 255**2 * math.exp(mid))
            R = np.maximum(0.5 * np.log2(variances / D), 0).mean()
            low, high = (mid, high) if R < target else (low, mid)
        kept[len(variances), target] = math.exp(mid)
    return kept[len(variances), target]
