def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).double() / len(symbols)
    return len(symbols) * (torch.special.xlogy(p, p) - torch.special.xlogy(p, table)).sum()
