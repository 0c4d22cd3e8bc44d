def rule_and_real(y, means):
    y, means = y.float(), means.float()
    size = lambda v: v.square().mean((0, 2, 3), keepdim=True).sqrt()
    rule = torch.log2(size(y) / size(y - means))
    plain, rest = torch.round(y), torch.round(y - means)
    plan_a = gaussian_bits(plain, torch.zeros_like(y), bound_scales(size(plain)))
    plan_b = gaussian_bits(rest + means, means, bound_scales(size(rest)))
    return torch.stack([rule.flatten(), (plan_a - plan_b).mean((0, 2, 3))])
