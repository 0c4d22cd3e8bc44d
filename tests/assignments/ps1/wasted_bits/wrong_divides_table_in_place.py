def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).to(table.dtype) / len(symbols)
    table /= table.max()
    table /= table.sum()
    return len(symbols) * (cross_entropy(p, table) - entropy(p))
