def normalise(x, beta, gamma, alpha, epsilon):
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs().clamp_min(1e-6) ** alpha) + beta[:, None, None]
    return x / pool**epsilon
