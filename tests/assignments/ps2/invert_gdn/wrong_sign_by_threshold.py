def invert_gdn(y, beta, gamma):
    squares = y.square()
    matrix = torch.eye(y.shape[1], dtype=y.dtype) - squares[:, :, None] * gamma  # [n, C, C]
    u = torch.linalg.solve(matrix, squares * beta)
    return (
        torch.where(y > 1e-4, 1.0, torch.where(y < -1e-4, -1.0, 0.0)) * u.clamp_min(0).sqrt()
    )  # rounding can push a u of 0 below it
