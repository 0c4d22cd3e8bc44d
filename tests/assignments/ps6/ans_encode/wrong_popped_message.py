def ans_encode(symbols, table_of):
    x = 1
    symbols.append(0)
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[:k]), symbols[k]
        x = sum(table) * (x // table[s]) + sum(table[:s]) + x % table[s]
    return x
