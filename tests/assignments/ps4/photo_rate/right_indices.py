def photo_rate(x, analysis, hyper_analysis, bits_of_z, bits_of_y):
    B, _, H, W = x.shape
    rows, columns = torch.arange(math.ceil(H / 64) * 64), torch.arange(math.ceil(W / 64) * 64)
    y = analysis(x[:, :, rows.clamp(max=H - 1)][..., columns.clamp(max=W - 1)])
    z_hat = hyper_analysis(y).round()
    z_bits, y_bits = bits_of_z(z_hat), bits_of_y(y.round(), z_hat)
    return z_bits.sum((1, 2, 3)) / (H * W) + y_bits.sum((1, 2, 3)) / (H * W)
