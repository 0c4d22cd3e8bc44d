def price_of_rate(variances, target):
    v, lmbda = torch.as_tensor(variances), 1.0
    for _ in range(20000):
        D = 1 / (2 * math.log(2) * 255**2 * lmbda)
        rate = (0.5 * torch.log2(v / D)).clamp_min(0).mean().item()
        lmbda *= math.exp(0.5 * math.log(target / max(rate, 1e-3 * target)) * min(1.0, target))
        if abs(rate / target - 1) < 1e-5:
            break
    return torch.tensor(lmbda)
