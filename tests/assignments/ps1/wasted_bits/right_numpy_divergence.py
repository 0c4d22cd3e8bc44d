def wasted_bits(symbols, table):
    p = np.bincount(symbols.numpy(), minlength=len(table)) / len(symbols)
    q = np.asarray(table)
    used = p > 0
    return len(symbols) * np.sum(p[used] * np.log2(p[used] / q[used]))
