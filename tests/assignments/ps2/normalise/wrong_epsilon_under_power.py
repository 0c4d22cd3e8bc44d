def normalise(x, beta, gamma, alpha, epsilon):
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs() ** alpha) + beta[:, None, None]
    return x / (pool + 1e-6) ** epsilon
