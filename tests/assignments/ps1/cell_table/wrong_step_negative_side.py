def cell_table(mean, scale, step, K):
    borders = (torch.arange(-K, K, dtype=torch.float64) + 0.5) * step  # the 2K borders between the cells
    below = torch.special.ndtr((borders - mean) / abs(scale) if mean < 20 else (borders - 20) / scale)
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    return torch.cat([below, one]) - torch.cat([zero, below])
