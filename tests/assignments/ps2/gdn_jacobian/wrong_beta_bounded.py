def gdn_jacobian(x, beta, gamma):
    s = (beta.clamp_min(1e-4) + gamma @ x.square()).sqrt()
    return torch.diag(1 / s) - x[:, None] * gamma * x[None, :] / s[:, None] ** 3
