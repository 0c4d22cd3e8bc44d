def rule_and_real(y, means):
    energy = lambda v: v.square().mean((0, 2, 3))
    bits = lambda s: gaussian_bits(
        s, torch.zeros_like(s), bound_scales(energy(s).sqrt())[:, None, None]
    ).mean((0, 2, 3))
    return torch.log2(energy(y) / energy(y - means)) / 2, bits(y) - bits(y - means)
