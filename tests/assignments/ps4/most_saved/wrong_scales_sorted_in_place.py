def most_saved(scales, shares):
    order = scales.argsort()
    scales.copy_(scales[order].clone())
    shares.copy_(shares[order].clone())
    v = torch.arange(-300, 301, dtype=torch.float64)
    tables = torch.exp2(
        -gaussian_bits(v, torch.zeros(1, dtype=torch.float64), scales[:, None], likelihood_bound=0)
    )  # [K, 601]
    return entropy(shares @ tables) - shares @ entropy(tables)
