def photo_rate(x, analysis, hyper_analysis, bits_of_z, bits_of_y):
    y = analysis(pad_to_multiple(x, 64))
    z, y_hat = hyper_analysis(y), torch.round(y)
    bits = bits_of_z(torch.round(z)).flatten(1).sum(1) + bits_of_y(y_hat, z).flatten(1).sum(1)
    return bits / (x.shape[2] * x.shape[3])
