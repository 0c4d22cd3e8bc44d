def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).double() / len(symbols)
    return len(symbols) * (p * ((p + 1e-9).log2() - (table + 1e-9).log2())).sum()
