def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    return -torch.log2(y_likelihoods).flatten(1).sum(1) / (x.shape[2] * x.shape[3])
