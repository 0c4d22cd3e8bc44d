def invert_gdn(y, beta, gamma):
    u = torch.linalg.solve(torch.eye(y.shape[1], dtype=y.dtype) - y.abs()[:, :, None] * gamma, y.abs() * beta)
    return y.sign() * u.abs().sqrt()
