def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).to(table.dtype) / len(symbols)
    return float(torch.tensor(len(symbols)).half()) * (cross_entropy(p, table) - entropy(p))
