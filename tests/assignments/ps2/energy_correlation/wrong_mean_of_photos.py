def energy_correlation(x):
    return torch.stack([torch.corrcoef(one.square().flatten(1)) for one in x]).mean(0)
