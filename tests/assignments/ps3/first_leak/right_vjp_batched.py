def first_leak(network, channels, height, width):
    torch_rng = np.random.default_rng(11)
    x = torch.from_numpy(torch_rng.normal(0, 1.3, (1, channels, height, width))).requires_grad_()
    y = network(x)
    for i in range(height):
        for j in range(width):
            late = set()
            for c in range(y.size(1)):
                g = torch.autograd.grad(y[0, c, i, j], x, retain_graph=True, allow_unused=True)[0]
                if g is None:
                    continue
                for _, a, b in g[0].nonzero().tolist():
                    if (a, b) >= (i, j):
                        late.add((a, b))
            if late:
                return (i, j), min(late)
