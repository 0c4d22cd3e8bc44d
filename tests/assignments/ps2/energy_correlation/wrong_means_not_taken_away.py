def energy_correlation(x):
    e = F.normalize(x.square().transpose(0, 1).flatten(1), dim=1)
    return e @ e.T
