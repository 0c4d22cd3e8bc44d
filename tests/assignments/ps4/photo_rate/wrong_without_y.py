def photo_rate(x, analysis, hyper_analysis, bits_of_z, bits_of_y):
    z_hat = torch.round(hyper_analysis(analysis(pad_to_multiple(x, 64))))
    return bits_of_z(z_hat).flatten(1).sum(1) / (x.shape[2] * x.shape[3])
