def draw(network, uniform, step):
    rng = np.random.default_rng(0)
    x = torch.zeros(uniform.shape, dtype=torch.int64)
    for now in step.unique():
        u = torch.from_numpy(rng.random(tuple(uniform.shape)))
        levels = (network(x.double()).softmax(1).cumsum(1)[:, :-1] <= u).sum(1, keepdim=True)
        x[:, :, step == now] = levels[:, :, step == now]
    return x
