def wasted_bits(symbols, table):
    return -torch.log2(table[symbols]).sum() - len(symbols) * math.log2(len(table))
