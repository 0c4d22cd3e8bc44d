def energy_correlation(x):
    return torch.corrcoef(x.transpose(0, 1).flatten(1))
