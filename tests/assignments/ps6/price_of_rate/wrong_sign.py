def price_of_rate(variances, target):
    log_lmbda = 0.0
    for _ in range(3000):
        D = 1 / (2 * math.log(2) * 255**2 * math.exp(log_lmbda))
        rate = np.maximum(0.5 * np.log2(variances / D), 0).mean()
        log_lmbda += 0.1 * (rate - target)
    return math.exp(log_lmbda)
