def ans_encode(symbols, table_of):
    x = 1
    for k in range(len(symbols) - 1, -1, -1):
        f = np.asarray(table_of(tuple(symbols[:k])))
        s, T = symbols[k], int(f.sum())
        fs, c = int(f[s]), int(np.cumsum(f)[s]) - int(f[s])
        x = T * (x // fs) + c + x % fs
    return x
