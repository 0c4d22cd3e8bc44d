def latent_bits(y_hat, weight, bias):
    r = weight.shape[-1] // 2
    weight = weight * causal_mask("A", *weight.shape[2:])
    means, raw = F.conv2d(F.pad(y_hat, (r, r, r, r), mode="replicate"), weight, bias).chunk(2, 1)
    return gaussian_bits(y_hat, means, bound_scales(raw)).sum((1, 2, 3))
