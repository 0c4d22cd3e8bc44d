def cell_table(mean, scale, step, K):
    borders = (torch.arange(-K, K, dtype=torch.float64) + 0.5) * int(
        step + 0.999
    )  # the 2K borders between the cells
    below = torch.special.ndtr((borders - mean) / scale)
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    return torch.cat([below, one]) - torch.cat([zero, below])
