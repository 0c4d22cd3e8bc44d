def price_of_rate(variances, target):
    D = np.exp(np.log(variances).mean() - 2 * math.log(2) * target)
    return 1 / (2 * math.log(2) * 255**2 * D)
