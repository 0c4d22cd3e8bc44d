def mended_step(parameters, y, z_bits, x, x_hat, lmbda, target, rho):
    M = y.shape[1]
    y_bits = gaussian_bits(y, parameters[:, :M], bound_scales(parameters[:, M:]))
    pixels = x.numel() / 3
    bpp = y_bits.sum() / pixels + z_bits.sum() / pixels
    mse = torch.nn.functional.mse_loss(x_hat, x)
    return bpp + lmbda * 65025 * mse, y_bits, bpp, lmbda * (float(mse) / target) ** rho
