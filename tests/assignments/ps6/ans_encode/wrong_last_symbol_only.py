def ans_encode(symbols, table_of):
    x = 1
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[max(k - 1, 0) : k]), symbols[k]
        x = sum(table) * (x // table[s]) + sum(table[:s]) + x % table[s]
    return x
