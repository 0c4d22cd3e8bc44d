def draw(network, uniform, step):
    x, empty = torch.zeros(uniform.shape, dtype=torch.int64), torch.zeros(uniform.shape, dtype=torch.float64)
    for now in step.unique():
        levels = (network(empty).softmax(1).cumsum(1)[:, :-1] <= uniform).sum(1, keepdim=True)
        x[:, :, step == now] = levels[:, :, step == now]
    return x
