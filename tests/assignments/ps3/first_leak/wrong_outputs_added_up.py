def first_leak(network, channels, height, width):
    x = torch.from_numpy(
        np.random.default_rng(0).standard_normal((1, channels, height, width))
    ).requires_grad_()
    out = network(x)
    for k in range(height * width):
        g = torch.autograd.grad(out[0, :, k // width, k % width].sum(), x, retain_graph=True)[0][0]
        late = (g != 0).any(0).flatten()[k:].nonzero()
        if len(late):
            return divmod(k, width), divmod(k + int(late[0]), width)
    return None
