def ans_encode(symbols, table_of):
    x = 1
    for k in range(len(symbols) - 1, 0, -1):
        f, s = table_of(symbols[:k]), symbols[k]
        x = sum(f) * (x // f[s]) + sum(f[:s]) + x % f[s]
    return x
