class ConditionalGaussian(nn.Module):
    def quantise(self, y, means):
        return add_uniform_noise(y) if self.training else torch.round(y - means) + means

    def forward(self, y, psi):
        means, raw = crop(psi, *y.shape[-2:]).chunk(2, dim=1)
        return self.quantise(y, means), gaussian_bits(self.quantise(y, means), means, bound_scales(raw))
