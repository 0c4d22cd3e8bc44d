def cumulative(v, matrices, biases, factors):
    u = v[None]
    for H, b in zip(matrices[:-1], biases[:-1]):
        u = torch.tanh(F.softplus(H) @ u + b)
    return torch.sigmoid(F.softplus(matrices[-1]) @ u + biases[-1])[0]
