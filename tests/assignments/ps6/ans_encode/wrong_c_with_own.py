def ans_encode(symbols, table_of):
    x = 1
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[:k]), symbols[k]
        x = (
            sum(table) * (x // table[s]) + sum(table[:s])
            if s
            else 0 * x + (1 if len(table) == 1 else 0) + x % table[s]
        )
    return x
