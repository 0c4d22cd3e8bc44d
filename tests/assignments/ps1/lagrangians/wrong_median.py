def lagrangians(bpp, x, x_hat, lmbda):
    mse = (x_hat - x).square().flatten(1).mean(1).clamp_max(1 / 3)
    return bpp + lmbda * 255**2 * mse
