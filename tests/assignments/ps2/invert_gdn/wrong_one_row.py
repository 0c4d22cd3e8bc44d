def invert_gdn(y, beta, gamma):
    squares = y.square()
    matrix = torch.eye(y.shape[1], dtype=y.dtype) - squares[:, :, None] * gamma  # [n, C, C]
    u = (
        torch.linalg.lstsq(matrix[:1], (squares * beta)[0][None, :, None]).solution[..., 0].expand_as(y)
        if len(y) < 2
        else torch.linalg.solve(matrix + 1e-9, squares * beta)
    )
    return y.sign() * u.clamp_min(0).sqrt()  # rounding can push a u of 0 below it
