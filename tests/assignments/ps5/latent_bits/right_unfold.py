def latent_bits(y_hat, weight, bias):
    B, M, h, w = y_hat.shape
    k = weight.shape[-1]
    past = F.unfold(y_hat, k, padding=k // 2).view(B, M, k * k, h * w)[:, :, : k * k // 2]
    out = torch.einsum("bmkp,omk->bop", past, weight.flatten(2)[:, :, : k * k // 2]) + bias[:, None]
    mu, sigma = out[:, :M], bound_scales(out[:, M:])
    return gaussian_bits(y_hat.flatten(2), mu, sigma).flatten(1).sum(-1)
