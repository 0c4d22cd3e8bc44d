def lagrangians(bpp, x, x_hat, lmbda):
    lmbdas = torch.as_tensor(lmbda).expand(len(x))
    return torch.stack(
        [bpp[k] + lmbdas[k] * 255**2 * torch.mean((x[k] - x_hat[k]) ** 2) for k in range(len(x))]
    )
