def photo_rate(x, analysis, hyper_analysis, bits_of_z, bits_of_y):
    height, width = x.shape[-2:]
    y = analysis(pad_to_multiple(x, 64))
    z_hat, y_hat = torch.trunc(hyper_analysis(y)), torch.round(y)
    bits = bits_of_z(z_hat).flatten(1).sum(1) + bits_of_y(y_hat, z_hat).flatten(1).sum(1)
    return bits / (height * width)
