def cumulative(v, matrices, biases, factors):
    u = v[None]  # [1, n]
    for k, (matrix, bias) in enumerate(zip(matrices, biases)):
        u = F.softplus(matrix) @ u + bias  # [out, n]
        if factors:
            u = u + torch.tanh(factors[0]) * torch.tanh(u)
            factors.pop(0)
    return torch.sigmoid(u)[0]
