def energy_correlation(x):
    return torch.corrcoef(x.square().transpose(0, 1).flatten(1).T)
