def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    bits = -torch.log2(y_likelihoods).sum() - torch.log2(z_likelihoods).sum()
    return bits / (x.shape[0] * x.shape[2] * x.shape[3])
