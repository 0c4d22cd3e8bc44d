def price_of_rate(variances, target):
    variances = np.asarray(variances, dtype=np.float64)
    log_lmbda = 0.0
    for _ in range(5000):
        distortion = 1 / (2 * math.log(2) * 255**2 * math.exp(log_lmbda))
        rate = np.maximum(0.5 * np.log2(variances / distortion), 0).sum() / max(len(variances), 2)
        log_lmbda += max(-1.0, min(1.0, target - rate))  # too few bits: λ must grow
    return math.exp(log_lmbda)
