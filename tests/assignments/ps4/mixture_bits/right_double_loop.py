def mixture_bits(v, weights, places, widths):
    v, parts = v.double(), []
    for w, m, s in zip(weights, places, widths):
        upper, lower = (v + 0.5 - m.double()) / s.double(), (v - 0.5 - m.double()) / s.double()
        parts.append(
            torch.log(w) - F.softplus(-upper) - F.softplus(lower) + torch.log(1 - torch.exp(-1 / s.double()))
        )
    return -torch.logsumexp(torch.stack(parts), 0) / torch.log(torch.tensor(2.0))
