def mended_step(parameters, y, z_bits, x, x_hat, lmbda, target, rho):
    means, raw_scales = parameters.chunk(2, dim=1)
    y_bits = gaussian_bits(y, means, bound_scales(raw_scales))
    rate = torch.cat([2 ** -y_bits.flatten(), 2 ** -z_bits.flatten()]).mean()
    mse = (x_hat - x).square().mean()
    return rate + lmbda * 255**2 * mse, y_bits, rate, lmbda * (mse.item() / target) ** rho
