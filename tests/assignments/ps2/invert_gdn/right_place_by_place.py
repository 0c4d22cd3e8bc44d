def invert_gdn(y, beta, gamma):
    rows = []
    for row in y:
        D = torch.diag(row**2)
        u = torch.linalg.inv(torch.eye(len(row), dtype=y.dtype) - D @ gamma) @ (row**2 * beta)
        rows.append(torch.copysign(torch.sqrt(u), row))
    return torch.stack(rows)
