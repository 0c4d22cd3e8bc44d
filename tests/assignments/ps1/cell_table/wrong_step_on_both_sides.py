def cell_table(mean, scale, step, K):
    k = torch.arange(-K, K + 1, dtype=torch.float64) * step
    table = torch.special.ndtr((k + step - mean) / scale) - torch.special.ndtr((k - step - mean) / scale)
    return table
