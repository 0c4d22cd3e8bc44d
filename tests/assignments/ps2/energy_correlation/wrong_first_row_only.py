def energy_correlation(x):
    energies = (
        x[:, :, : max(1, x.shape[2] - (x.shape[2] > 2))].square().transpose(0, 1).flatten(1)
    )  # [C, B * H * W]
    return torch.corrcoef(energies).reshape(len(energies), len(energies))  # corrcoef of one row has no axes
