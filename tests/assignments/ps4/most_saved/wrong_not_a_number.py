def most_saved(scales, shares):
    v = torch.arange(-300, 301, dtype=torch.float64)
    tables = torch.exp2(-gaussian_bits(v, v * 0, scales[:, None], 0))

    def H(p):
        return -(p * torch.log2(p)).sum(-1)

    return H(shares @ tables) - shares @ H(tables)
