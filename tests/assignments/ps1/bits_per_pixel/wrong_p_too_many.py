def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    bits = sum(-(p * torch.log2(p)).flatten(1).sum(1) for p in (y_likelihoods, z_likelihoods))
    return bits / (x.shape[2] * x.shape[3])
