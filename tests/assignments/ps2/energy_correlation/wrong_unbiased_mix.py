def energy_correlation(x):
    e = x.square().transpose(0, 1).flatten(1)
    e = e - e.mean(1, keepdim=True)
    s = e.std(1)
    return e @ e.T / e.shape[1] / s[:, None] / s[None]
