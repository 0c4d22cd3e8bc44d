def mixes(layer, channels):
    x = (
        torch.arange(7.0).view(1, 1, 7, 1) * 0.3
        + torch.arange(7.0) * 0.11
        + torch.arange(float(channels)).view(1, -1, 1, 1)
    ).double()
    J = torch.autograd.functional.jacobian(layer, x).reshape(channels, 49, channels, 49).abs() > 1e-12
    same_place = torch.eye(49, dtype=torch.bool)[None, :, None, :]
    same_channel = torch.eye(channels, dtype=torch.bool)[:, None, :, None]
    return bool((J & same_place & ~same_channel).any()), bool((J & ~same_place).any())
