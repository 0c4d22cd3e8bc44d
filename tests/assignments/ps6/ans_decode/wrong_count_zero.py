def ans_decode(x, count, table_of):
    symbols = []
    if count == 0:
        return symbols
    for _ in range(count):
        table = table_of(symbols)
        rest, s = x % sum(table), 0
        while rest >= table[s]:  # skip the parts of the symbols before it
            rest -= table[s]
            s += 1
        x = table[s] * (x // sum(table)) + rest
        symbols.append(s)
    if x != 1:
        raise ValueError("The file is damaged: its state does not come back to 1. Copy it again.")
    return symbols
