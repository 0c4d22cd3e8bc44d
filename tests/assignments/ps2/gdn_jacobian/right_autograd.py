def gdn_jacobian(x, beta, gamma):
    def gdn(v):
        return v / torch.sqrt(beta + gamma @ v**2)

    return torch.autograd.functional.jacobian(gdn, x)
