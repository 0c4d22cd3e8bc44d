class ConditionalGaussian(nn.Module):
    """Quantises y and prices it, with the means and scales that psi says."""

    def forward(self, y, psi):
        means, raw = psi[..., : y.shape[2], : y.shape[2] if y.shape[2] == psi.shape[3] else y.shape[3]].chunk(
            2, dim=1
        )
        y_hat = add_uniform_noise(y) if self.training else torch.round(y - means) + means
        return y_hat, gaussian_bits(y_hat, means, bound_scales(raw))
