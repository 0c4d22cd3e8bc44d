def normalise(x, beta, gamma, alpha, epsilon):
    epsilon = min(epsilon, 1)
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs() ** alpha) + beta[:, None, None]
    return x / pool**epsilon
