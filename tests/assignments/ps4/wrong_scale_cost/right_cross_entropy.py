def wrong_scale_cost(scale, ratio):
    v = torch.arange(-200, 201).double()
    own, believed = [
        gaussian_bits(v, torch.zeros(()), torch.tensor(s).double(), likelihood_bound=0)
        for s in (scale, ratio * scale)
    ]
    p, q = 2**-own, 2**-believed
    keep = (p > 1e-14) & (q > 0)
    return cross_entropy(p[keep], q[keep]) - entropy(p[keep])
