def ans_encode(symbols, table_of):
    x = 1
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[:k]), symbols[k]
        x = int(np.int64(x % 2**62))
        x = sum(table) * (x // table[s]) + sum(table[:s]) + x % table[s]
    return x
