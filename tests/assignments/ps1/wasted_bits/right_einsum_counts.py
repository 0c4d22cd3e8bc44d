def wasted_bits(symbols, table):
    onehot = torch.nn.functional.one_hot(symbols, len(table)).double()
    n = onehot.sum(0)
    used = n > 0
    return (n[used] * torch.log2(n[used] / n.sum() / table[used])).sum().reshape(1)
