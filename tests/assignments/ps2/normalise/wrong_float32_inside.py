def normalise(x, beta, gamma, alpha, epsilon):
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs().float().to(x.dtype) ** alpha) + beta[:, None, None]
    return x / pool**epsilon
