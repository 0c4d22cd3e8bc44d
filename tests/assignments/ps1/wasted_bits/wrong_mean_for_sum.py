def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).double() / len(symbols)
    return cross_entropy(p, table) - entropy(p)
