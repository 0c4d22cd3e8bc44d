def price_of_rate(variances, target):
    lmbda = 1e-6
    for _ in range(5000):
        D = 1 / (2 * math.log(2) * 255**2 * lmbda)
        rate = np.maximum(0.5 * np.log2(variances / D), 0).mean()
        lmbda *= math.exp(0.2 * np.log(target / rate))
    return lmbda
