def lagrangians(bpp, x, x_hat, lmbda):
    mse = (torch.round(x_hat * 255) / 255 - torch.round(x * 255) / 255).square().mean((1, 2, 3))
    return bpp + lmbda * 255**2 * mse
