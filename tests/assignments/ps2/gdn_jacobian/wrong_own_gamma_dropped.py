def gdn_jacobian(x, beta, gamma):
    s = (beta + gamma @ x.square()).sqrt()
    return (
        torch.diag(1 / s) - x[:, None] * (gamma - torch.diag(gamma.diagonal())) * x[None, :] / s[:, None] ** 3
    )
