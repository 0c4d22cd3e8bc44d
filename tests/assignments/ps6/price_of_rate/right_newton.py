def price_of_rate(variances, target):
    v = np.array(variances, dtype=float)
    lo, hi = 1e-30, 1e30
    while hi / lo > 1 + 1e-9:
        mid = math.sqrt(lo * hi)
        R = np.clip(np.log2(v * mid * 2 * math.log(2) * 65025) / 2, 0, None).mean()
        if R > target:
            hi = mid
        else:
            lo = mid
    return torch.tensor([lo], dtype=torch.float64)
