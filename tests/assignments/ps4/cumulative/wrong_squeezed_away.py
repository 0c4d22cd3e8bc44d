def cumulative(v, matrices, biases, factors):
    u = v[None]
    for k, (H, b) in enumerate(zip(matrices, biases)):
        u = F.softplus(H) @ u + b
        if k < len(factors):
            u = u + torch.tanh(factors[k]) * torch.tanh(u)
    return torch.sigmoid(u).squeeze()
