def cumulative(v, matrices, biases, factors):
    u = v[None]
    for H, b in zip(matrices, biases):
        u = F.softplus(H) @ u + b
    return torch.sigmoid(u)[0]
