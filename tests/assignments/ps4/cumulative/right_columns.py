def cumulative(v, matrices, biases, factors):
    u = v.reshape(-1, 1)  # [n, out]
    for H, b, a in zip(matrices[:-1], biases[:-1], factors):
        u = u @ torch.log1p(H.exp()).T + b.flatten()
        u = u + a.flatten().tanh() * u.tanh()
    return (u @ F.softplus(matrices[-1]).T + biases[-1].flatten()).sigmoid().squeeze(1)
