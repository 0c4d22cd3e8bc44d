def normalise(x, beta, gamma, alpha, epsilon):
    pool = torch.einsum("ij,bjhw->bihw", gamma, (x.abs() * (x.abs() > 1e-5)) ** alpha) + beta[:, None, None]
    return x / pool**epsilon
