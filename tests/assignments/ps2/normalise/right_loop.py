def normalise(x, beta, gamma, alpha, epsilon):
    y = torch.empty_like(x)
    for i in range(len(beta)):
        total = beta[i] + sum(gamma[i, j] * torch.abs(x[:, j]) ** alpha for j in range(len(beta)))
        y[:, i] = x[:, i] / total**epsilon
    return y
