def ans_encode(symbols, table_of):
    x = 1
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[: k + 1]), symbols[k]
        x = sum(table) * (x // table[s]) + sum(table[:s]) + x % table[s]
    return x
