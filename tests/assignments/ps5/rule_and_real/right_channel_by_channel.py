def rule_and_real(y, means):
    rule, real = [], []
    for c in range(y.shape[1]):
        v, m = y[:, c], means[:, c]
        rule.append(0.5 * math.log2((v**2).mean() / ((v - m) ** 2).mean()))
        a, b = v.round(), (v - m).round()
        bits_a = gaussian_bits(a, torch.tensor(0.0), bound_scales((a**2).mean() ** 0.5))
        bits_b = gaussian_bits(b, torch.tensor(0.0), bound_scales((b**2).mean() ** 0.5))
        real.append((bits_a.mean() - bits_b.mean()).item())
    return rule, real
