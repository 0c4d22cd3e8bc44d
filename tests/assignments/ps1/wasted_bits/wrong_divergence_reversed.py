def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).double() / len(symbols)
    return len(symbols) * (cross_entropy(table, p) - entropy(table))
