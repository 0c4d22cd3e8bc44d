def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).half().to(table.dtype) / len(symbols)
    return len(symbols) * (cross_entropy(p, table) - entropy(p))
