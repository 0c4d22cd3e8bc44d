def ans_encode(symbols, table_of):
    tables = [list(table_of(symbols[:k])) for k in range(len(symbols))]
    x = 1
    for s, f in zip(reversed(symbols), reversed(tables)):
        q, r = divmod(x, f[s])
        x = q * sum(f) + r + sum(f[:s])
    return x
