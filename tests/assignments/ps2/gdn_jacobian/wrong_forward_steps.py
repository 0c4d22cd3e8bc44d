def gdn_jacobian(x, beta, gamma):
    h = 1e-4

    def gdn(v):
        return v / (beta + gamma @ v.square()).sqrt()

    return torch.stack([(gdn(x + h * e) - gdn(x)) / h for e in torch.eye(len(x), dtype=x.dtype)], 1)
