from jahp_lib.multipliers import LogAscent


def mended_step(parameters, y, z_bits, x, x_hat, lmbda, target, rho):
    means, raw_scales = parameters.chunk(2, 1)
    y_bits = gaussian_bits(y, means, bound_scales(raw_scales))
    bpp = torch.cat([y_bits.flatten(), z_bits.flatten()]).sum() / x[:, 0].numel()
    mse = ((x - x_hat) ** 2).mean()
    multiplier = LogAscent(lmbda, mse=target, step_size=rho, memory=0.0)
    multiplier.update(bpp.item(), mse.item())
    return [bpp + lmbda * 255.0**2 * mse, y_bits, bpp, multiplier.value]
