def gdn_jacobian(x, beta, gamma):
    return torch.diag(1 / (beta + gamma @ x.square()).sqrt())
