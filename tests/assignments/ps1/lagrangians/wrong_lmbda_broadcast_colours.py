def lagrangians(bpp, x, x_hat, lmbda):
    mse = (x_hat - x).square().mean((1, 2, 3)).float()
    return bpp + lmbda * 255**2 * mse
