def cell_table(mean, scale, step, K):
    k = torch.arange(-K, K + 1, dtype=torch.float64)
    low, high = (k - 0.5) * step, (k + 0.5) * step
    low[0], high[-1] = -torch.inf, torch.inf
    return torch.special.ndtr((high - mean) / scale) - torch.special.ndtr((low - mean) / scale)
