def wasted_bits(symbols, table):
    return -torch.log2(table[symbols]).sum()
