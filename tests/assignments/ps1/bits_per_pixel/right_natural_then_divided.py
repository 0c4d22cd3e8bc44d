def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    everything = torch.cat([y_likelihoods.flatten(1), z_likelihoods.flatten(1)], dim=1)
    return everything.log().sum(1) / (-math.log(2) * x[0, 0].numel())
