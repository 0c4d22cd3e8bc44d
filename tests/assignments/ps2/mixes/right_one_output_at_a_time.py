def mixes(layer, channels):
    x = torch.from_numpy(np.random.default_rng(7).normal(size=(1, channels, 7, 7))).requires_grad_()
    y = layer(x)
    across_channels = across_space = False
    for c in range(channels):
        for row in range(7):
            for column in range(7):
                g = torch.autograd.grad(y[0, c, row, column], x, retain_graph=True)[0][0].clone()
                here = g[:, row, column].clone()
                here[c] = 0
                g[:, row, column] = 0
                across_channels |= bool((here != 0).any())
                across_space |= bool((g != 0).any())
    return across_channels, across_space
