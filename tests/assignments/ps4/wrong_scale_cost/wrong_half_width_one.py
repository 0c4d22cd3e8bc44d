def wrong_scale_cost(scale, ratio):
    v = torch.arange(-200, 201, dtype=torch.float64).abs()

    def p(s):
        return (torch.special.ndtr((1 - v) / s) - torch.special.ndtr((-1 - v) / s)).clamp_min(1e-300)

    return (p(scale) * torch.log2(p(scale) / p(ratio * scale))).sum()
