def cell_table(mean, scale, step, K):
    k = torch.arange(-K, K + 1, dtype=torch.float64) * step
    return step * torch.exp(-(((k - mean) / scale) ** 2) / 2) / (scale * math.sqrt(2 * math.pi))
