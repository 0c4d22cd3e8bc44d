def most_saved(scales, shares):
    v = torch.arange(-250.0, 251.0).double()
    total = 0
    P = torch.stack(
        [torch.special.ndtr((0.5 - v.abs()) / s) - torch.special.ndtr((-0.5 - v.abs()) / s) for s in scales]
    )
    mixture = (shares[:, None] * P).sum(0)
    for share, table in zip(shares, P):
        here = table > 0
        total += share * (table[here] * (table[here] / mixture[here]).log2()).sum()
    return total
