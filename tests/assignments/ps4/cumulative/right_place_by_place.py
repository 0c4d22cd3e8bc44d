def cumulative(v, matrices, biases, factors):
    result = []
    for place in v.tolist():
        u = [place]
        for k in range(len(matrices)):
            H, b = F.softplus(matrices[k]).tolist(), biases[k].flatten().tolist()
            u = [sum(h * t for h, t in zip(row, u)) + c for row, c in zip(H, b)]
            if k < len(factors):
                u = [t + math.tanh(a) * math.tanh(t) for t, a in zip(u, factors[k].flatten().tolist())]
        result.append(1 / (1 + math.exp(-u[0])))
    return torch.tensor(result)
