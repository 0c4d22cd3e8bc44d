def mixture_bits(v, weights, places, widths):
    lower, upper = [(v[:, None] + side - places) / widths for side in (-0.5, 0.5)]  # [n, K]
    log_bin = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(lower - upper))
    return -(torch.log(weights) + log_bin).max(1).values / math.log(2)
