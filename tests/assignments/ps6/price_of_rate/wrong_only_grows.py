def price_of_rate(variances, target):
    lmbda = 1e-6
    for _ in range(3000):
        D = np.minimum(variances, 1 / (2 * math.log(2) * 255**2 * lmbda))
        lmbda += 1e-5 * 255**2 * D.mean()
    return lmbda
