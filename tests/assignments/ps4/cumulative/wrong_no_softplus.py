def cumulative(v, matrices, biases, factors):
    u = v[None]
    for k, (H, b) in enumerate(zip(matrices, biases)):
        u = H @ u + b
        if k < len(factors):
            u = u + torch.tanh(factors[k]) * torch.tanh(u)
    return torch.sigmoid(u)[0]
