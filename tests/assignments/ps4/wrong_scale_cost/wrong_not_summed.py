def wrong_scale_cost(scale, ratio):
    v = torch.arange(-300, 301, dtype=torch.float64)
    right, wrong = [gaussian_bits(v, v * 0, torch.full_like(v, s), 0) for s in (scale, ratio * scale)]
    return torch.exp2(-right) * (wrong - right)
