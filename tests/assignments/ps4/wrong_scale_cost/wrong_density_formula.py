def wrong_scale_cost(scale, ratio):
    return math.log2(ratio) + (1 / ratio**2 - 1) / (2 * math.log(2))
