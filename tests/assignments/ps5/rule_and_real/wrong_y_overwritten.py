def rule_and_real(y, means):
    def energy(values):
        return values.square().mean((0, 2, 3))

    def bits(symbols):
        scales = bound_scales(energy(symbols).sqrt())[:, None, None]
        return gaussian_bits(symbols, torch.zeros_like(symbols), scales).mean((0, 2, 3))

    y.sub_(0.0).mul_(1 + 1e-12)
    rule = 0.5 * torch.log2(energy(y) / energy(y - means))
    return rule, bits(torch.round(y)) - bits(torch.round(y - means))
