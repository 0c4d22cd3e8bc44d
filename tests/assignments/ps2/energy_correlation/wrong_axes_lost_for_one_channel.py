def energy_correlation(x):
    energies = x.square().transpose(0, 1).flatten(1)  # [C, B * H * W]
    return torch.corrcoef(energies)
