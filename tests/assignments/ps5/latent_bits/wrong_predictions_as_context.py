def latent_bits(y_hat, weight, bias):
    M, r = weight.shape[1], weight.shape[-1] // 2
    weight = weight * causal_mask("A", *weight.shape[2:])
    guessed, total = torch.zeros_like(y_hat), torch.zeros(len(y_hat), dtype=y_hat.dtype)
    for i in range(y_hat.shape[2]):
        for j in range(y_hat.shape[3]):
            out = F.conv2d(guessed, weight, bias, padding=r)[:, :, i, j]
            total += gaussian_bits(y_hat[:, :, i, j], out[:, :M], bound_scales(out[:, M:])).sum(1)
            guessed[:, :, i, j] = out[:, :M]
    return total
