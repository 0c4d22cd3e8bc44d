def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).to(table.dtype) / len(symbols)
    table = table / table[p > 0].sum()
    return len(symbols) * (cross_entropy(p, table) - entropy(p))
