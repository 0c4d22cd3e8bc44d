def draw(network, uniform, step):
    H, W = step.shape
    x = np.zeros((1, 1, H, W))
    groups = {}
    for i in range(H):
        for j in range(W):
            groups.setdefault(int(step[i, j]), []).append((i, j))
    for t in sorted(groups):
        p = torch.softmax(network(torch.from_numpy(x.copy())), 1).detach().numpy()[0]
        for i, j in groups[t]:
            c = np.cumsum(p[:, i, j])
            k = 0
            while k < len(c) - 1 and not c[k] > float(uniform[0, 0, i, j]):
                k += 1
            x[0, 0, i, j] = k
    return torch.from_numpy(x.astype(np.int64))
