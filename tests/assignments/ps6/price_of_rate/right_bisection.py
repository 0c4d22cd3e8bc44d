def price_of_rate(variances, target):
    low, high = -100.0, 100.0
    for _ in range(100):
        middle = (low + high) / 2
        D = 1 / (2 * math.log(2) * 255**2 * math.exp(middle))
        rate = sum(max(0.0, 0.5 * math.log2(v / D)) for v in variances) / len(variances)
        low, high = (middle, high) if rate < target else (low, middle)
    return np.float64(math.exp(middle))
