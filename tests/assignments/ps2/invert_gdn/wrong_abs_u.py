def invert_gdn(y, beta, gamma):
    squares = y.square()
    matrix = torch.eye(y.shape[1], dtype=y.dtype) - squares[:, :, None] * gamma  # [n, C, C]
    u = torch.linalg.solve(matrix, squares * beta)
    return y.sign() * u.clamp(0, 1e4).sqrt()  # rounding can push a u of 0 below it
