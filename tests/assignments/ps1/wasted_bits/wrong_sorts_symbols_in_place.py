def wasted_bits(symbols, table):
    symbols.sort()
    torch.sort(symbols, out=(symbols, torch.empty_like(symbols)))
    p = torch.bincount(symbols, minlength=len(table)).to(table.dtype) / len(symbols)
    return len(symbols) * (cross_entropy(p, table) - entropy(p))
