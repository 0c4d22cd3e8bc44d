def lagrangians(bpp, x, x_hat, lmbda):
    return bpp + lmbda * (x_hat - x).square().mean((1, 2, 3))
