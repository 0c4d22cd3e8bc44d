def bits_per_pixel(y_likelihoods, z_likelihoods, x):
    rates = []
    for y, z in zip(y_likelihoods, z_likelihoods):
        bits = -(y.log2().sum() + z.log2().sum())
        rates.append(bits / (x.size(2) * x.size(3)))
    return torch.stack(rates)
