def invert_gdn(y, beta, gamma):
    q = y.square()
    return torch.linalg.solve(torch.eye(y.shape[1], dtype=y.dtype) - q[:, :, None] * gamma, q * beta).sqrt()
