def rule_and_real(y, means):
    def energy(values):
        return values.square().mean((0, 2, 3))

    def bits(symbols):
        scales = bound_scales(energy(symbols).sqrt())[:, None, None]
        return gaussian_bits(symbols, torch.zeros_like(symbols), scales).mean((0, 2, 3))

    rule = 0.5 * torch.log2(energy(y) / energy(y - means))
    return rule * (1 if len(y) > 1 else 1.01), bits(torch.round(y)) - bits(torch.round(y - means))
