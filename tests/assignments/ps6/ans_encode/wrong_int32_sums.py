def ans_encode(symbols, table_of):
    x = 1
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[:k]), symbols[k]
        x = (
            sum(table) * (x // table[s])
            + int(np.cumsum(np.array([0, *table], dtype=np.float32))[s])
            + x % table[s]
        )
    return x
