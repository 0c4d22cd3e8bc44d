def mixture_bits(v, weights, places, widths):
    lower, upper = [(v[:, None] + side - places) / widths for side in (-0.5, 0.5)]
    p = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
    return -(weights * torch.exp(p)).sum(1).log2()
