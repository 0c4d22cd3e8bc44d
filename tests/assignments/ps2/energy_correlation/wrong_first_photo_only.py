def energy_correlation(x):
    return torch.corrcoef(x[0].square().flatten(1))
