def energy_correlation(x):
    return torch.cov(x.square().transpose(0, 1).flatten(1))
