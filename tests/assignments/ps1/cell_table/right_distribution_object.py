def cell_table(mean, scale, step, K):
    gauss = torch.distributions.Normal(
        torch.tensor(float(mean), dtype=torch.float64), torch.tensor(float(scale), dtype=torch.float64)
    )

    def F(v):
        return gauss.cdf(torch.tensor(v, dtype=torch.float64))

    table = [F((k + 0.5) * step) - F((k - 0.5) * step) for k in range(-K, K + 1)]
    table[0] = F((-K + 0.5) * step)
    table[-1] = 1 - F((K - 0.5) * step)
    return torch.stack(table)
