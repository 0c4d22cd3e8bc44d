def wrong_scale_cost(scale, ratio):
    v = torch.arange(-250.0, 251.0).double()
    cost = [gaussian_bits(v, v * 0, torch.full_like(v, s), 0) for s in (scale, scale * ratio)]
    p = 0.5 ** cost[0]
    return float((p * cost[1]).sum() - entropy(p))
