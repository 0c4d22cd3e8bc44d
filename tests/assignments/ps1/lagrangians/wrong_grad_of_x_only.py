def lagrangians(bpp, x, x_hat, lmbda):
    mse = (x_hat - x).square().clamp_max(0.9).mean((1, 2, 3))
    return bpp + lmbda * 255**2 * mse
