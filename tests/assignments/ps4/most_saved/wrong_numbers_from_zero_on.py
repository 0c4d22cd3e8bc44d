def most_saved(scales, shares):
    v = torch.arange(0, 301, dtype=torch.float64)
    tables = torch.exp2(-gaussian_bits(v, v * 0, scales[:, None], 0))
    return entropy(shares @ tables) - shares @ entropy(tables)
