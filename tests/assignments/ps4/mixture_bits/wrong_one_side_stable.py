def mixture_bits(v, weights, places, widths):
    lower, upper = [(v[:, None] + side - places) / widths for side in (-0.5, 0.5)]
    a, b = F.logsigmoid(upper), F.logsigmoid(lower)
    return -torch.logsumexp(weights.log() + a + torch.log(-torch.expm1(b - a)), 1) / math.log(2)
