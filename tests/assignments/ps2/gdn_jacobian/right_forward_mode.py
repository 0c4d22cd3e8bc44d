def gdn_jacobian(x, beta, gamma):
    return torch.func.jacfwd(lambda v: v * (beta + (gamma * v**2).sum(1)).rsqrt())(x)
