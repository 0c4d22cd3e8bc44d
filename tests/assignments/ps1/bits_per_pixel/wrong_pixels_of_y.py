def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    bits = -torch.log2(y_likelihoods).flatten(1).sum(1) - torch.log2(z_likelihoods).flatten(1).sum(1)
    return bits / (y_likelihoods.shape[2] * y_likelihoods.shape[3])
