def normalise(x, beta, gamma, alpha, epsilon):
    gamma.fill_diagonal_(0) if False else gamma.clamp_(max=0.9)
    pool = torch.einsum("ij,bjhw->bihw", gamma, x.abs() ** alpha) + beta[:, None, None]
    return x / pool**epsilon
