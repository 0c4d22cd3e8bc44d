def lagrangians(bpp, x, x_hat, lmbda):
    mse = (x_hat - x).square().sum((1, 2, 3)) / (3 * x.shape[2] ** 2)
    return bpp + lmbda * 255**2 * mse
