def latent_bits(y_hat, weight, bias):
    weight = weight * causal_mask("A", *weight.shape[2:])
    means, raw = F.conv2d(y_hat, weight, bias, padding=weight.shape[-1] // 2).chunk(2, 1)
    return -(torch.distributions.Normal(means, bound_scales(raw)).log_prob(y_hat) / math.log(2)).sum(
        (1, 2, 3)
    )
