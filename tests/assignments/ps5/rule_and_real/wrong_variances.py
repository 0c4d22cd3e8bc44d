def rule_and_real(y, means):
    energy = lambda v: v.transpose(0, 1).flatten(1).var(1, correction=0)
    bits = lambda s: gaussian_bits(
        s, torch.zeros_like(s), bound_scales(energy(s).sqrt())[:, None, None]
    ).mean((0, 2, 3))
    return torch.log2(energy(y) / energy(y - means)) / 2, bits(torch.round(y)) - bits(torch.round(y - means))
