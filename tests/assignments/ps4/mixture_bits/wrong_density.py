def mixture_bits(v, weights, places, widths):
    t = (v[:, None] - places) / widths
    p = F.logsigmoid(t) + F.logsigmoid(-t) - widths.log()
    return -torch.logsumexp(weights.log() + p, 1) / math.log(2)
