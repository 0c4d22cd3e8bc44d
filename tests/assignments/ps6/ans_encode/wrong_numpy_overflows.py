def ans_encode(symbols, table_of):
    x = np.int64(1)
    for k in reversed(range(len(symbols))):
        f, s = np.asarray(table_of(symbols[:k])), symbols[k]
        x = f.sum() * (x // f[s]) + f[:s].sum() + x % f[s]
    return x
