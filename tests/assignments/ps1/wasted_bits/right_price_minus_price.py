def wasted_bits(symbols, table):
    counts = torch.bincount(symbols, minlength=len(table)).double()
    own = counts / counts.sum()
    paid = -torch.log2(table[symbols]).sum()
    best = -torch.log2(own[symbols]).sum()
    return (paid - best).item()
