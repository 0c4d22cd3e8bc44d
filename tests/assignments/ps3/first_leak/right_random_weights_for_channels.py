def first_leak(network, channels, height, width):
    found = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        x = torch.from_numpy(rng.standard_normal((1, channels, height, width))).requires_grad_()
        y = network(x)
        weights = torch.from_numpy(rng.standard_normal(y.shape[1]))
        mixed = (y[0] * weights[:, None, None]).sum(0).flatten()
        for k, value in enumerate(mixed):
            g = torch.autograd.grad(value, x, retain_graph=True)[0][0].abs().amax(0).flatten()
            late = [j for j in range(k, height * width) if g[j] > 1e-12]
            if late:
                found.append((k, late[0]))
                break
    if not found:
        return
    return torch.tensor([divmod(k, width) for k in min(found)])
