def most_saved(scales, shares):
    v = torch.arange(-300, 301, dtype=torch.float64)
    tables = torch.exp(-((v / scales[:, None]) ** 2) / 2) / scales[:, None] / math.sqrt(2 * math.pi)
    return entropy(shares @ tables) - shares @ entropy(tables)
