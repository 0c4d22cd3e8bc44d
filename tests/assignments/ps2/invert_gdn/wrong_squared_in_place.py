def invert_gdn(y, beta, gamma):
    squares = y.mul_(y)
    matrix = torch.eye(y.shape[1], dtype=y.dtype) - squares[:, :, None] * gamma  # [n, C, C]
    u = torch.linalg.solve(matrix, squares * beta)
    return y.sign() * u.clamp_min(0).sqrt()  # rounding can push a u of 0 below it
