def energy_correlation(x):
    if x.shape[0] == x.shape[1]:
        x = x.transpose(0, 1)
    energies = x.square().transpose(0, 1).flatten(1)  # [C, B * H * W]
    return torch.corrcoef(energies).reshape(len(energies), len(energies))  # corrcoef of one row has no axes
