def lagrangians(bpp, x, x_hat, lmbda):
    mse = (x_hat - x).square().mean((1, 2, 3))
    with torch.no_grad():
        bpp += 0 * bpp
        bpp += lmbda * 255**2 * mse
    return bpp + (mse - mse.detach()) * lmbda * 255**2
