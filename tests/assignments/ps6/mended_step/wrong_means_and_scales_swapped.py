def mended_step(parameters, y, z_bits, x, x_hat, lmbda, target, rho):
    raw_scales, means = parameters.chunk(2, dim=1)
    y_bits = gaussian_bits(y, means, bound_scales(raw_scales))
    bpp = (y_bits.sum() + z_bits.sum()) / (x.shape[0] * x.shape[2] * x.shape[3])
    mse = (x_hat - x).square().mean()
    return bpp + lmbda * 255**2 * mse, y_bits, bpp, lmbda * (mse.item() / target) ** rho
