def wasted_bits(symbols, table):
    p = torch.bincount(symbols, minlength=len(table)).to(table.dtype) / len(symbols)
    return len(symbols) * (cross_entropy(p.float(), table.float()) - entropy(p.float()))
