def latent_bits(y_hat, weight, bias):
    means, raw = F.conv2d(y_hat, weight, bias, padding=weight.shape[-1] // 2).chunk(2, 1)
    return gaussian_bits(y_hat, means, bound_scales(raw)).sum((1, 2, 3))
