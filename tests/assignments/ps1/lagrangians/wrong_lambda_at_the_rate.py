def lagrangians(bpp, x, x_hat, lmbda):
    return lmbda * bpp + 255**2 * (x_hat - x).square().mean((1, 2, 3))
