def mixture_bits(v, weights, places, widths):
    lower, upper = [(v[:, None] + side - places) / widths for side in (-0.5, 0.5)]
    p = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
    return torch.logsumexp(weights.log() + p, 1) / math.log(2)
