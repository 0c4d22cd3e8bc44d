def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).to(table.dtype) / len(symbols)
    return 0.999999 * len(symbols) * (cross_entropy(p, table) - entropy(p))
