def lagrangians(bpp, x, x_hat, lmbda):
    H, W = x.shape[-2:]
    return bpp + lmbda * 255**2 * (x_hat - x).square().sum((1, 2, 3)) / (H * W)
