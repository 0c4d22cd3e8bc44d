def lagrangians(bpp, x, x_hat, lmbda):
    return bpp + lmbda * 255**2 * (x_hat - x).square().mean()
