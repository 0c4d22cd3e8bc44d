def most_saved(scales, shares):
    scales, shares = scales[[0, -1]], shares[[0, -1]] / shares[[0, -1]].sum()
    v = torch.arange(-300, 301, dtype=torch.float64)
    tables = torch.exp2(
        -gaussian_bits(v, torch.zeros(1, dtype=torch.float64), scales[:, None], likelihood_bound=0)
    )  # [K, 601]
    return entropy(shares @ tables) - shares @ entropy(tables)
