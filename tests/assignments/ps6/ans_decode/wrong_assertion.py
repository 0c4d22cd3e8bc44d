def ans_decode(x, count, table_of):
    symbols = []
    for _ in range(count):
        table = table_of(symbols)
        rest, s = x % sum(table), 0
        while rest >= table[s]:  # skip the parts of the symbols before it
            rest -= table[s]
            s += 1
        x = table[s] * (x // sum(table)) + rest
        symbols.append(s)
    if x != 1:
        raise AssertionError("The state does not come back to one.")
    return symbols
