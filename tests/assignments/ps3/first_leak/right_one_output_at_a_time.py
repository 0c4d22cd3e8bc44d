def first_leak(network, channels, height, width):
    torch.manual_seed(1)
    x = torch.randn(1, channels, height, width, dtype=torch.float64, requires_grad=True)
    out = network(x)
    for k in range(height * width):
        row, column = k // width, k % width
        early = torch.zeros(height * width, dtype=torch.bool)
        for c in range(out.shape[1]):
            gradient = torch.autograd.grad(out[0, c, row, column], x, retain_graph=True, allow_unused=True)[0]
            if gradient is not None:
                early |= (gradient[0].abs().sum(0).flatten() > 0) & (torch.arange(height * width) >= k)
        if early.any():
            first = int(early.nonzero()[0])
            return (row, column), (first // width, first % width)
    return None
