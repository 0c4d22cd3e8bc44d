from jahp_lib.rate_distortion import round_straight_through


class ConditionalGaussian(nn.Module):
    def quantise(self, y, means):
        if not self.training:
            return round_straight_through(y - means) + means
        return add_uniform_noise(y)

    def forward(self, y, psi):
        means, raw = torch.split(psi[..., : y.size(2), : y.size(3)], y.size(1), dim=1)
        y_hat = self.quantise(y, means)
        return y_hat, gaussian_bits(y_hat, means, bound_scales(raw), likelihood_bound=0)
