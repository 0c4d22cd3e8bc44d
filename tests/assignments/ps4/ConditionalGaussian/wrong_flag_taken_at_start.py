class ConditionalGaussian(nn.Module):
    def forward(self, y, psi):
        if not hasattr(self, "noisy"):
            self.noisy = self.training
        means, raw = crop(psi, *y.shape[-2:]).chunk(2, dim=1)
        y_hat = add_uniform_noise(y) if self.noisy else torch.round(y - means) + means
        return y_hat, gaussian_bits(y_hat, means, bound_scales(raw))
