def mixture_bits(v, weights, places, widths):
    def c(t):
        return (weights * torch.sigmoid((t[:, None] - places) / widths)).sum(1)

    return -torch.log2(c(v + 0.5) - c(v - 0.5))
