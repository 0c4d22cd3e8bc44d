def latent_bits(y_hat, weight, bias):
    B, M, h, w = y_hat.shape
    r = weight.shape[-1] // 2
    known = torch.zeros(B, M, h + 2 * r, w + 2 * r)
    total = torch.zeros(B)
    for i in range(h):
        for j in range(w):
            patch = known[:, :, i : i + 2 * r + 1, j : j + 2 * r + 1]  # what is not known yet is still zero
            out = torch.einsum("bmij,omij->bo", patch, weight.float()) + bias.float()
            value = y_hat[:, :, i, j].float()
            total += gaussian_bits(value, out[:, :M], bound_scales(out[:, M:])).sum(1)
            known[:, :, i + r, j + r] = value
    return total
