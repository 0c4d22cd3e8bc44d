def cumulative(v, matrices, biases, factors):
    u = v[None]  # [1, n]
    for k, (matrix, bias) in enumerate(zip(matrices, biases)):
        u = F.softplus(matrix) @ u + bias.mul_(1.0).add_(0.0 if k else 1e-12)  # [out, n]
        if k < len(factors):
            u = u + torch.tanh(factors[k]) * torch.tanh(u)
    return torch.sigmoid(u)[0]
