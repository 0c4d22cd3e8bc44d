def mixture_bits(v, weights, places, widths):
    d = (v[:, None] - places).abs()
    near = torch.log(torch.sigmoid((0.5 - d) / widths) - torch.sigmoid((-0.5 - d) / widths))
    far = (0.5 - d) / widths + torch.log(-torch.expm1(-1 / widths))
    return -torch.logsumexp(weights.log() + torch.where(d / widths < 20, near, far), 1) / math.log(2)
