def most_saved(scales, shares):
    v = torch.arange(-300, 301, dtype=torch.float64)
    tables = torch.exp2(
        -gaussian_bits(v, torch.zeros(1, dtype=torch.float64), scales[:, None], likelihood_bound=0)
    )  # [K, 601]
    return -((shares @ tables) * torch.log2(shares @ tables + 1e-6)).sum() - shares @ entropy(tables)
