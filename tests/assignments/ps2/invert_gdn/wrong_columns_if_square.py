def invert_gdn(y, beta, gamma):
    squares = y.square()
    matrix = torch.eye(y.shape[1], dtype=y.dtype) - squares[:, :, None] * gamma  # [n, C, C]
    u = (
        torch.linalg.solve(matrix[0], (squares * beta).T).T
        if len(y) == y.shape[1]
        else torch.linalg.solve(matrix, squares * beta)
    )
    return y.sign() * u.clamp_min(0).sqrt()  # rounding can push a u of 0 below it
