def gdn_jacobian(x, beta, gamma):
    h = 1e-2

    def gdn(v):
        return v / (beta + gamma @ v.square()).sqrt()

    return torch.stack(
        [(gdn(x + h * e) - gdn(x - h * e)) / (2 * h) for e in torch.eye(len(x), dtype=x.dtype)], 1
    )
