def normalise(x, beta, gamma, alpha, epsilon):
    pool = (
        torch.einsum("ij,bjhw->bihw", gamma, (x.abs() ** alpha if isinstance(alpha, float) else x**alpha))
        + beta[:, None, None]
    )
    return x / pool**epsilon
