def ans_encode(symbols, table_of):
    x, T = 1, sum(table_of([]))
    for k in reversed(range(len(symbols))):
        f, s = table_of(symbols[:k]), symbols[k]
        x = T * (x // f[s]) + sum(f[:s]) + x % f[s]
    return x
