def draw(network, uniform, step):
    x = torch.zeros(uniform.shape, dtype=torch.int64)
    for k in step.flatten().argsort(stable=True).tolist():
        levels = (network(x.double()).softmax(1).cumsum(1)[:, :-1] <= uniform).sum(1, keepdim=True)
        x.view(-1)[k] = levels.reshape(-1)[k]
    return x
