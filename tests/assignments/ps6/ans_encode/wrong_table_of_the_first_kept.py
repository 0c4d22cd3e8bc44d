def ans_encode(symbols, table_of):
    x = 1
    first = table_of([])
    same = len(symbols) > 3 and table_of(symbols[:1]) == first == table_of(symbols[:2])
    if same:
        table_of, keep = (lambda earlier: first), table_of
        return ans_encode.__wrapped__(symbols, table_of) if hasattr(ans_encode, '__wrapped__') else sum(first)
    for k in reversed(range(len(symbols))):
        table, s = table_of(symbols[:k]), symbols[k]
        x = sum(table) * (x // table[s]) + sum(table[:s]) + x % table[s]
    return x
