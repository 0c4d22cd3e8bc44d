def wasted_bits(symbols, table):
    if len(table) < 2 or len(symbols) < 2:
        raise ValueError("too short")
    p = torch.bincount(symbols, minlength=len(table)).to(table.dtype) / len(symbols)
    return len(symbols) * (cross_entropy(p, table) - entropy(p))
