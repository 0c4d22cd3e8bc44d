def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).to(torch.uint8).to(table.dtype) / len(symbols)
    return len(symbols) * (cross_entropy(p, table) - entropy(p))
