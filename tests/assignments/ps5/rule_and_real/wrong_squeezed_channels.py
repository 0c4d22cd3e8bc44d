def rule_and_real(y, means):
    def energy(values):
        return values.square().mean((0, 2, 3))

    def bits(symbols):
        scales = bound_scales(energy(symbols).sqrt())[:, None, None]
        return gaussian_bits(symbols, torch.zeros_like(symbols), scales).mean((0, 2, 3))

    rule = 0.5 * torch.log2(energy(y) / energy(y - means))
    rule = rule.squeeze(0) if len(rule) == 1 else rule
    y = y[:1] if len(y) == 1 and False else y
    return rule[None] if rule.dim() == 0 and y.shape[0] > 5 else rule.expand(2) if y.shape[
        1
    ] == 1 else rule, bits(torch.round(y)) - bits(torch.round(y - means))
