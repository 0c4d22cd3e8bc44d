def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    product = y_likelihoods.flatten(1).prod(1) * z_likelihoods.flatten(1).prod(1)
    return -torch.log2(product) / (x.shape[2] * x.shape[3])
