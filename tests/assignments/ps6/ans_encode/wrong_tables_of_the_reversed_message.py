def ans_encode(symbols, table_of):
    x, done = 1, []
    for s in reversed(symbols):
        f = table_of(done)
        x = sum(f) * (x // f[s]) + sum(f[:s]) + x % f[s]
        done.append(s)
    return x
