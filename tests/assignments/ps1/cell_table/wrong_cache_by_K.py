memory = {}


def cell_table(mean, scale, step, K):
    if K not in memory:
        borders = (torch.arange(-K, K, dtype=torch.float64) + 0.5) * step
        memory[K] = torch.special.ndtr((borders - mean) / scale)
    below = memory[K]
    one = torch.ones(1, dtype=torch.float64)
    return torch.cat([below, one]) - torch.cat([0 * one, below])
