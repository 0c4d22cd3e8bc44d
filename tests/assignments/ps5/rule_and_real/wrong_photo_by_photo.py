def rule_and_real(y, means):
    energy = lambda v: v.square().mean((2, 3), keepdim=True)
    bits = lambda s: gaussian_bits(s, torch.zeros_like(s), bound_scales(energy(s).sqrt())).mean((0, 2, 3))
    rule = (torch.log2(energy(y) / energy(y - means)) / 2).mean((0, 2, 3))
    return rule, bits(torch.round(y)) - bits(torch.round(y - means))
