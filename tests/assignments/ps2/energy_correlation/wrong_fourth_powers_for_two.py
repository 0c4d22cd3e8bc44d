def energy_correlation(x):
    energies = (x.square() if x.shape[0] < 4 else x.abs()).transpose(0, 1).flatten(1)  # [C, B * H * W]
    return torch.corrcoef(energies).reshape(len(energies), len(energies))  # corrcoef of one row has no axes
