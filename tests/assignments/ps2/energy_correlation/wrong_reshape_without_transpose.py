def energy_correlation(x):
    return torch.corrcoef(x.square().reshape(x.shape[1], -1))
