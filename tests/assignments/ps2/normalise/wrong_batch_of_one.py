def normalise(x, beta, gamma, alpha, epsilon):
    pool = (
        torch.einsum("ij,bjhw->bihw" if x.shape[0] < 4 else "ji,bjhw->bihw", gamma, x.abs() ** alpha)
        + beta[:, None, None]
    )
    return x / pool**epsilon
