def wrong_scale_cost(scale, ratio):
    v = torch.arange(-300, 301, dtype=torch.float64)

    def p(s):
        return torch.special.ndtr((v + 0.5) / s) - torch.special.ndtr((v - 0.5) / s)

    return (p(scale) * torch.log2(p(scale) / p(ratio * scale))).sum()
