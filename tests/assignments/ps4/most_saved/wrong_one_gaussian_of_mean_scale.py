def most_saved(scales, shares):
    v = torch.arange(-300, 301, dtype=torch.float64)
    tables = torch.exp2(-gaussian_bits(v, v * 0, scales[:, None], 0))
    return entropy(torch.exp2(-gaussian_bits(v, v * 0, shares @ scales, 0))) - shares @ entropy(tables)
