def normalise(x, beta, gamma, alpha, epsilon):
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs() ** alpha) + beta.clamp_min(1e-6)[:, None, None]
    return x / pool**epsilon
