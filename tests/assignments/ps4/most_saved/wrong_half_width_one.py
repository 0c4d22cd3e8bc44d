def most_saved(scales, shares):
    v = torch.arange(-300, 301, dtype=torch.float64)
    tables = torch.special.ndtr((v + 1) / scales[:, None]) - torch.special.ndtr((v - 1) / scales[:, None])
    return entropy(shares @ tables) - shares @ entropy(tables)
