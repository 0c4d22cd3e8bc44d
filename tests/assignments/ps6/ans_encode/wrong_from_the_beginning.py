def ans_encode(symbols, table_of):
    x = 1
    for k, s in enumerate(symbols):
        f = table_of(symbols[:k])
        x = sum(f) * (x // f[s]) + sum(f[:s]) + x % f[s]
    return x
