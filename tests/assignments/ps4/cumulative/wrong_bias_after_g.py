def cumulative(v, matrices, biases, factors):
    u = v[None]
    for k, (H, b) in enumerate(zip(matrices, biases)):
        u = F.softplus(H) @ u
        if k < len(factors):
            u = u + torch.tanh(factors[k]) * torch.tanh(u)
        u = u + b
    return torch.sigmoid(u)[0]
