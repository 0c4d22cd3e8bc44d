def cell_table(mean, scale, step, K):
    k = torch.arange(-K, K + 1, dtype=torch.float64) * step
    weights = torch.exp(-(((k - mean) / scale) ** 2) / 2)
    return weights / weights.sum()
