def price_of_rate(variances, target):
    v = np.sort(np.asarray(variances))[::-1]
    for k in range(len(v), 0, -1):  # suppose that the k strongest channels get bits
        D = np.exp(np.log(v[:k]).mean() - 2 * math.log(2) * target * len(v) / k)
        if D <= v[k - 1]:
            return 1 / (2 * math.log(2) * 255**2 * D)
