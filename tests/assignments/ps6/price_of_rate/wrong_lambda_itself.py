def price_of_rate(variances, target):
    lmbda = 0.01
    for _ in range(3000):
        D = 1 / (2 * math.log(2) * 255**2 * lmbda)
        rate = np.maximum(0.5 * np.log2(variances / D), 0).mean()
        lmbda += 0.1 * (target - rate)
    return lmbda
