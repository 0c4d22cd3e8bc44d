def energy_correlation(x):
    C = x.size(1)
    result = torch.ones(C, C, dtype=x.dtype)
    for a in range(C):
        for b in range(C):
            first, second = x[:, a] ** 2, x[:, b] ** 2
            both = ((first - first.mean()) * (second - second.mean())).mean()
            result[a, b] = both / (first.std(unbiased=False) * second.std(unbiased=False))
    return result
