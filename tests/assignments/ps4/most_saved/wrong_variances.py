def most_saved(scales, shares):
    v = torch.arange(-600, 601, dtype=torch.float64)
    tables = torch.exp2(-gaussian_bits(v, v * 0, scales[:, None] ** 2, 0))
    return entropy(shares @ tables) - shares @ entropy(tables)
