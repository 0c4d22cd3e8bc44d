def mixture_bits(v, weights, places, widths):
    distance = (v.unsqueeze(1) - places).abs()
    a, b = F.logsigmoid((0.5 - distance) / widths), F.logsigmoid((-0.5 - distance) / widths)
    log_p = a + torch.log1p(-torch.exp(b - a))
    return -torch.logsumexp(weights.log() + log_p, -1) / np.log(2)
