def ans_encode(symbols, table_of):
    x, f = 1, table_of([])
    for s in reversed(symbols):
        x = sum(f) * (x // f[s]) + sum(f[:s]) + x % f[s]
    return x
