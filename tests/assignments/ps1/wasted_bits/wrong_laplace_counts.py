def wasted_bits(symbols, table):
    p = (torch.bincount(symbols, minlength=len(table)).to(table.dtype) + 1e-3) / (
        len(symbols) + 1e-3 * len(table)
    )
    return len(symbols) * (cross_entropy(p, table) - entropy(p))
