def draw(network, uniform, step):
    x, inputs = torch.zeros(uniform.shape, dtype=torch.int64), torch.zeros(uniform.shape, dtype=torch.float64)
    for now in step.unique():
        here = step == now
        x[:, :, here] = (network(inputs).softmax(1).cumsum(1)[:, :-1] <= uniform).sum(1, keepdim=True)[
            :, :, here
        ]
        inputs[:, :, here] = uniform[:, :, here]
    return x
