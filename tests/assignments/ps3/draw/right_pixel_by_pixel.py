def draw(network, uniform, step):
    x = torch.zeros(uniform.shape, dtype=torch.float64)
    for now in sorted(set(step.flatten().tolist())):
        tables = torch.softmax(network(x), dim=1)[0]
        for i, j in (step == now).nonzero().tolist():
            total, level = 0.0, 0
            for k, p in enumerate(tables[:, i, j].tolist()):
                total, level = total + p, k
                if total > uniform[0, 0, i, j]:
                    break
            x[0, 0, i, j] = level
    return x.long()
