class ConditionalGaussian(nn.Module):
    def forward(self, y, psi):
        means, raw = crop(psi, *y.shape[-2:]).chunk(2, dim=1)
        noise = torch.rand(*y.shape[:2], 1, 1) - 0.5
        y_hat = y + noise if self.training else torch.round(y - means) + means
        return y_hat, gaussian_bits(y_hat, means, bound_scales(raw))
