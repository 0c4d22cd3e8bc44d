def energy_correlation(x):
    return torch.corrcoef(x.abs().transpose(0, 1).flatten(1))
