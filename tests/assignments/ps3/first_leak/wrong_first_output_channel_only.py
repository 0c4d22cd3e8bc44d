def first_leak(network, channels, height, width):
    n = height * width
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((1, channels, height, width)))
    J = torch.autograd.functional.jacobian(network, x).reshape(-1, n, channels, n)
    leaks = (J[0] != 0).any(1).triu().nonzero()
    return tuple(divmod(k, width) for k in leaks[0].tolist()) if len(leaks) else None
