def mixture_bits(v, weights, places, widths):
    d = (v[:, None].double() - places).abs()
    p = torch.sigmoid((0.5 - d) / widths) - torch.sigmoid((-0.5 - d) / widths)
    return -torch.log2((weights * p).sum(1))
