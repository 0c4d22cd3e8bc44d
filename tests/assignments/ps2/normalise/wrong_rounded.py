def normalise(x, beta, gamma, alpha, epsilon):
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs() ** alpha) + beta[:, None, None]
    return x / pool ** round(epsilon, 1)
