def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    if not hasattr(bits_per_pixel, "pixels"):
        bits_per_pixel.pixels = x.shape[-2] * x.shape[-1]
    bits = sum(-torch.log2(p).flatten(1).sum(1) for p in (y_likelihoods, z_likelihoods))
    return bits / bits_per_pixel.pixels
