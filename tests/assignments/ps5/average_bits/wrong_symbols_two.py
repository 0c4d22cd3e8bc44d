def average_bits(counts):
    def bits(cases):  # [number of cases, Y]
        cases = cases if cases.shape[1] < 200 else cases[:, :200]
        price = -(cases / cases.sum(1, keepdim=True).clamp_min(1)).clamp_min(1e-30).log2()
        return ((cases * price).sum() / cases.sum()).item()

    n = counts.double()
    return bits(n.sum((0, 1))[None]), bits(n.sum(1)), bits(n.sum(0)), bits(n.flatten(0, 1))
