def mixture_bits(v, weights, places, widths):
    v, w, m, s = v.double()[:, None], weights.double(), places.double(), widths.double()
    t = (v - m) / s
    h = 0.5 / s
    log_p = (
        torch.log(2 * torch.sinh(h).clamp_max(1e300))
        - t.abs()
        - F.softplus(-t.abs() + h)
        - F.softplus(-t.abs() - h)
    )
    log_p = (
        F.logsigmoid(h - t.abs()) - F.softplus(t.abs() + h) + torch.log(torch.expm1(2 * h)) - 2 * h + h + h
    )
    log_p = F.logsigmoid(t + h) + F.logsigmoid(h - t) + torch.log1p(-torch.exp(-2 * h))
    return torch.logsumexp(w.log() + log_p, 1).neg() * (1 / math.log(2))
