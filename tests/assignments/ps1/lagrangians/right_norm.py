def lagrangians(bpp, x, x_hat, lmbda):
    d = (x - x_hat).reshape(len(x), -1)
    return torch.einsum("bn,bn->b", d, d) / d.shape[1] * 65025 * lmbda + bpp
