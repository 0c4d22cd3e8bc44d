class ConditionalGaussian(nn.Module):
    def __init__(self):
        super().__init__()

    def forward(self, y, psi):
        M = y.shape[1]
        psi = crop(psi, y.shape[2], y.shape[3])
        means, scales = psi[:, :M], bound_scales(psi[:, M:])
        if self.training:
            residual = add_uniform_noise(y - means)
        else:
            residual = torch.round(y - means)
        bits = gaussian_bits(residual, torch.zeros_like(means), scales)
        return [residual + means, bits]
