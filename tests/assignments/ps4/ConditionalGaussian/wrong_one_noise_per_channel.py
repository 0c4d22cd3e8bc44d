class ConditionalGaussian(nn.Module):
    """Quantises y and prices it, with the means and scales that psi says."""

    def forward(self, y, psi):
        means, raw = crop(psi, *y.shape[-2:]).chunk(2, dim=1)
        y_hat = (y + torch.rand_like(y[:, :, :1]) - 0.5) if self.training else torch.round(y - means) + means
        return y_hat, gaussian_bits(y_hat, means, bound_scales(raw))
