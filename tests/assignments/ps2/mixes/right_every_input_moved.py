def mixes(layer, channels):
    x = torch.from_numpy(np.random.default_rng(5).uniform(-2, 2, (1, channels, 7, 7)))
    J = torch.zeros(channels, 49, channels, 49, dtype=torch.float64)
    for k in range(channels * 49):
        e = torch.zeros(channels * 49, dtype=torch.float64)
        e[k] = 1
        J[:, :, k // 49, k % 49] = torch.autograd.functional.jvp(layer, x, e.view_as(x))[1].reshape(
            channels, 49
        )
    J = J.abs() > 1e-11
    i = torch.arange(49)
    same = J[:, i, :, i].any(0)
    J[:, i, :, i] = False
    return bool((same & ~torch.eye(channels, dtype=torch.bool)).any()), bool(J.any())
