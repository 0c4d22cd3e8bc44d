def ans_encode(symbols, table_of):
    x = 1
    for k in reversed(range(len(symbols))):
        f, s = table_of(symbols[:k]), symbols[k]
        x = sum(f) * (x // f[s]) + sum(f[:s])
    return x
