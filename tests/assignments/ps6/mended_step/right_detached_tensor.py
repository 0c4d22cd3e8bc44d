def mended_step(parameters, y, z_bits, x, x_hat, lmbda, target, rho):
    means, raw_scales = parameters.chunk(2, 1)
    y_bits = gaussian_bits(y, means, bound_scales(raw_scales))
    bits = y_bits.sum() + z_bits.sum()
    B, _, H, W = x_hat.shape
    mse = ((255 * (x - x_hat)) ** 2).mean()
    loss = bits / (B * H * W) + lmbda * mse
    log_lmbda = math.log(lmbda) + rho * torch.log(mse.detach() / 255**2 / target)
    return loss, y_bits, (bits / (B * H * W)).item(), torch.exp(log_lmbda)
