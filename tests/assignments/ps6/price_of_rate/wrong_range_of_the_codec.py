def price_of_rate(variances, target):
    low, high = 0.0018, 0.18
    for _ in range(60):
        middle = math.sqrt(low * high)
        D = 1 / (2 * math.log(2) * 255**2 * middle)
        rate = np.maximum(0.5 * np.log2(variances / D), 0).mean()
        low, high = (middle, high) if rate < target else (low, middle)
    return middle
