def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    return -torch.log2(y_likelihoods).flatten(1).mean(1) - torch.log2(z_likelihoods).flatten(1).mean(1)
