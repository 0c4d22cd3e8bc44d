def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).double() / len(symbols)
    return len(symbols) * (p * torch.log2(p / table)).sum()
