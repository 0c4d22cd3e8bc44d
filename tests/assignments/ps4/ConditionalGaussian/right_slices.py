class ConditionalGaussian(nn.Module):
    def forward(self, y, psi):
        B, M, h, w = y.size()
        mu = psi.narrow(1, 0, M).narrow(2, 0, h).narrow(3, 0, w)
        sigma = bound_scales(psi.narrow(1, M, M).narrow(2, 0, h).narrow(3, 0, w))
        if self.training:
            out = y + (torch.rand(y.shape, dtype=y.dtype) - 0.5)
        else:
            out = mu + (y - mu).round()
        return out, gaussian_bits(out - mu, torch.zeros_like(mu), sigma)
