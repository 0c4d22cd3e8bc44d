def mixes(layer, channels):
    rng = np.random.default_rng(3)
    total = 0
    for _ in range(2):
        x = torch.from_numpy(
            rng.uniform(0.2, 1.5, (1, channels, 7, 7)) * rng.choice([-1, 1], (1, channels, 7, 7))
        )
        total = total + torch.autograd.functional.jacobian(layer, x)[0, :, :, :, 0].abs()
    J = total.reshape(channels, 49, channels, 49)
    at = torch.arange(49)
    local = J[:, at, :, at].sum(0)  # [C, C]
    local.fill_diagonal_(0)
    J[:, at, :, at] = 0
    return [bool(local.sum() > 1e-12), bool(J.sum() > 1e-12)]
