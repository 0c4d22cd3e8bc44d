def cell_table(mean, scale, step, K):
    k = torch.arange(-K, K, dtype=torch.float64) * step
    F = torch.special.ndtr((k + 0.5 - mean) / scale)
    return torch.diff(torch.cat([torch.zeros(1), F, torch.ones(1)]))
