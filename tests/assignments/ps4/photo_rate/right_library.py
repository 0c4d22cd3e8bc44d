from types import SimpleNamespace

from jahp_lib.rate_distortion import bits_per_pixel


def photo_rate(x, analysis, hyper_analysis, bits_of_z, bits_of_y):
    y = analysis(pad_to_multiple(x, 64))
    z_hat = torch.round(hyper_analysis(y))
    out = SimpleNamespace(x_hat=x, y_bits=bits_of_y(torch.round(y), z_hat), z_bits=bits_of_z(z_hat))
    return bits_per_pixel(out, x.shape[2], x.shape[3])
