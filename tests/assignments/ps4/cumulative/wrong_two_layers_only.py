def cumulative(v, matrices, biases, factors):
    u = F.softplus(matrices[0]) @ v[None] + biases[0]
    u = u + torch.tanh(factors[0]) * torch.tanh(u)
    return torch.sigmoid(F.softplus(matrices[-1]) @ u + biases[-1])[0]
