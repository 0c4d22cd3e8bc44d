def cell_table(mean, scale, step, K):
    m, s = mean / step, scale / step
    edges = np.arange(-K, K) + 0.5
    F = np.array([0.5 * math.erfc((m - e) / s / math.sqrt(2)) for e in edges])
    return torch.from_numpy(np.diff(np.concatenate([[0.0], F, [1.0]])))
