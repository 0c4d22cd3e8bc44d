def rule_and_real(y, means):
    energy = lambda v: v.square().mean((0, 2, 3))
    bits = lambda v, m: gaussian_bits(v, m, bound_scales(energy(v - m).sqrt())[:, None, None]).mean((0, 2, 3))
    return torch.log2(energy(y) / energy(y - means)) / 2, bits(torch.round(y), torch.zeros_like(y)) - bits(
        torch.round(y), means
    )
