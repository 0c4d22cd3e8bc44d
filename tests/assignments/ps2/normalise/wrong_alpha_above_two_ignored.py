def normalise(x, beta, gamma, alpha, epsilon):
    alpha = min(alpha, 2)
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs() ** alpha) + beta[:, None, None]
    return x / pool**epsilon
