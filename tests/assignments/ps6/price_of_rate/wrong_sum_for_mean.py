def price_of_rate(variances, target):
    low, high = -100.0, 100.0
    for _ in range(100):
        middle = (low + high) / 2
        D = 1 / (2 * math.log(2) * 255**2 * math.exp(middle))
        rate = np.maximum(0.5 * np.log2(variances / D), 0).sum()
        low, high = (middle, high) if rate < target else (low, middle)
    return math.exp(middle)
