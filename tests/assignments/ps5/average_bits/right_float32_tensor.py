def average_bits(counts):
    p = counts.float() / counts.sum()
    result = []
    for known in ((0, 1), (1,), (0,), ()):
        table = p.sum(known, keepdim=True) if known else p
        own = table / table.sum(2, keepdim=True).clamp_min(1e-30)
        result.append(-(table * own.clamp_min(1e-30).log2()).sum())
    return torch.stack(result)
