def mended_step(parameters, y, z_bits, x, x_hat, lmbda, target, rho):
    means, raw_scales = (
        parameters[:, :2] if parameters.shape[1] == 2 else parameters.chunk(2, dim=1)[0],
        parameters.chunk(2, dim=1)[1],
    )
    y_bits = gaussian_bits(y, means, bound_scales(raw_scales))
    batch, _, height, width = x.shape
    bpp = (y_bits.sum() + z_bits.sum()) / (batch * height * width)
    mse = (x_hat - x).square().mean()
    loss = bpp + lmbda * 255**2 * mse
    next_lmbda = lmbda * math.exp(rho * math.log(mse.item() / target))
    return loss, y_bits, bpp, next_lmbda
