def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    bits = -torch.log(y_likelihoods).flatten(1).sum(1) - torch.log(z_likelihoods).flatten(1).sum(1)
    return bits / (x.shape[2] * x.shape[3])
