def lagrangians(bpp, x, x_hat, lmbda):
    grey = 255 * x_hat - 255 * x
    D = (grey**2).flatten(start_dim=1).mean(dim=1)
    return bpp + lmbda * D
