def mended_step(parameters, y, z_bits, x, x_hat, lmbda, target, rho):
    M = parameters.shape[1] // 2
    y_bits = gaussian_bits(y, parameters.narrow(1, 0, M), bound_scales(parameters.narrow(1, M, M)))
    pixels = x.shape[0] * x.shape[2] * x.shape[3]
    R = torch.sum(y_bits) / pixels + torch.sum(z_bits) / pixels
    D = torch.mean((255 * x_hat - 255 * x) ** 2)
    up = rho * (math.log(D.item()) - 2 * math.log(255) - math.log(target))
    return R + lmbda * D, y_bits, R, float(np.exp(np.log(lmbda) + up))
