def price_of_rate(variances, target):
    v = np.asarray(variances)
    D = math.exp(np.log(v).mean() - 2 * math.log(2) * target)
    k = v > D
    D = math.exp(np.log(v[k]).mean() - 2 * math.log(2) * target * len(v) / k.sum())
    return 1 / (2 * math.log(2) * 255**2 * D)
