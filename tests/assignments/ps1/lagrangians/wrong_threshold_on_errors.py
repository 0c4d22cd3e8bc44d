def lagrangians(bpp, x, x_hat, lmbda):
    mse = torch.where((x_hat - x).abs() > 1e-3, x_hat - x, 0 * x).square().mean((1, 2, 3))
    return bpp + lmbda * 255**2 * mse
