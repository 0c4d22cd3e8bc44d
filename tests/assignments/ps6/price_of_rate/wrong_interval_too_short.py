def price_of_rate(variances, target):
    low, high = math.log(1e-4), math.log(1e3)
    for _ in range(200):
        mid = (low + high) / 2
        D = 1 / (2 * math.log(2) * 255**2 * math.exp(mid))
        R = np.maximum(0.5 * np.log2(variances / D), 0).mean()
        low, high = (mid, high) if R < target else (low, mid)
    return math.exp(mid)
