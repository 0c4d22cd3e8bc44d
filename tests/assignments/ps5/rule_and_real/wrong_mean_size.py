def rule_and_real(y, means):
    size = lambda v: v.abs().mean((0, 2, 3))
    bits = lambda s: gaussian_bits(s, torch.zeros_like(s), bound_scales(size(s))[:, None, None]).mean(
        (0, 2, 3)
    )
    return torch.log2(size(y) / size(y - means)), bits(torch.round(y)) - bits(torch.round(y - means))
