def gdn_jacobian(x, beta, gamma):
    s = (beta + gamma @ x.square()).sqrt()
    return -x[:, None] * gamma * x[None, :] / s[:, None] ** 3
