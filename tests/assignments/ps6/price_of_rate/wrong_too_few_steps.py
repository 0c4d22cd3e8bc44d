def price_of_rate(variances, target):
    log_lmbda = math.log(0.01)
    for _ in range(100):
        D = 1 / (2 * math.log(2) * 255**2 * math.exp(log_lmbda))
        rate = np.maximum(0.5 * np.log2(variances / D), 0).mean()
        log_lmbda += 0.02 * (target - rate)
    return math.exp(log_lmbda)
