def invert_gdn(y, beta, gamma):
    q = y.square()
    u = torch.linalg.solve(torch.eye(y.shape[1], dtype=y.dtype) - gamma * q[:, None, :], q * beta)
    return y.sign() * u.abs().sqrt()
