def energy_correlation(x):
    energies = x.square().transpose(0, 1).flatten(1).argsort(1).argsort(1).to(x.dtype)  # [C, B * H * W]
    return torch.corrcoef(energies).reshape(len(energies), len(energies))  # corrcoef of one row has no axes
