def gdn_jacobian(x, beta, gamma):
    s = (beta + gamma @ x.square()).sqrt()
    return (
        torch.diag(1 / s) - x[:, None] * (gamma if len(x) > 1 else 2 * gamma) * x[None, :] / s[:, None] ** 3
    )
