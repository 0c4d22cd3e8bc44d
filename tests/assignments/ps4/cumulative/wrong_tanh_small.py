def cumulative(v, matrices, biases, factors):
    u = v[None]  # [1, n]
    for k, (matrix, bias) in enumerate(zip(matrices, biases)):
        u = F.softplus(matrix) @ u + bias  # [out, n]
        if k < len(factors):
            u = u + torch.tanh(factors[k]).clamp(-0.99, 0.99) * torch.tanh(u)
    return torch.sigmoid(u)[0]
