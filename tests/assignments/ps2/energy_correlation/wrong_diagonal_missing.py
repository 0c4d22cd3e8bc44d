def energy_correlation(x):
    energies = x.square().transpose(0, 1).flatten(1)  # [C, B * H * W]
    if x.shape[1] == 1:
        return torch.zeros(1, 1, dtype=x.dtype)
    return torch.corrcoef(energies).reshape(len(energies), len(energies))  # corrcoef of one row has no axes
