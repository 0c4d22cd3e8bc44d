def draw(network, uniform, step):
    H, W = step.shape
    x = torch.zeros(uniform.shape, dtype=torch.int64)
    for k in range(H * W):
        levels = (network(x.double()).softmax(1).cumsum(1)[:, :-1] <= uniform).sum(1, keepdim=True)
        x[0, 0, k // W, k % W] = levels[0, 0, k // W, k % W]
    return x
