def cell_table(mean, scale, step, K):
    k = torch.arange(-K, K + 1, dtype=torch.float64)
    table = torch.special.ndtr(((k + 0.5) * step - mean) / scale) - torch.special.ndtr(
        ((k - 0.5) * step - mean) / scale
    )
    return table / table.sum()
