def energy_correlation(x):
    e = x.square().transpose(0, 1).flatten(1)
    e = e - e.mean(1, keepdim=True)
    n = e.norm(dim=1) + 1e-6
    return e @ e.T / n[:, None] / n[None]
