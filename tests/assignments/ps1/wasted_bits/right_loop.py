def wasted_bits(symbols, table):
    total, n = 0.0, len(symbols)
    for s in set(symbols.tolist()):
        count = int((symbols == s).sum())
        total += count * (math.log2(count / n) - math.log2(float(table[s])))
    return total
