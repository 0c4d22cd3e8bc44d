class ConditionalGaussian(nn.Module):
    def forward(self, y, psi):
        psi = crop(psi, *y.shape[-2:])
        means, raw = psi[:, 0::2], psi[:, 1::2]
        y_hat = add_uniform_noise(y) if self.training else torch.round(y - means) + means
        return y_hat, gaussian_bits(y_hat, means, bound_scales(raw))
