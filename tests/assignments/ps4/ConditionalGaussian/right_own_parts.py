class Bound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, raw):
        ctx.save_for_backward(raw)
        return raw.clamp(min=0.11)

    @staticmethod
    def backward(ctx, gradient):
        (raw,) = ctx.saved_tensors
        return torch.where((raw >= 0.11) | (gradient < 0), gradient, 0.0)


class ConditionalGaussian(nn.Module):
    def forward(self, y, psi):
        _, M, h, w = y.shape
        mu, sigma = psi[:, :M, :h, :w], Bound.apply(psi[:, M:, :h, :w])
        if self.training:
            y_hat = y + torch.empty_like(y).uniform_(-0.5, 0.5)
        else:
            y_hat = torch.floor(y - mu + 0.5) + mu
        d = (y_hat - mu).abs()
        a, b = torch.special.log_ndtr((0.5 - d) / sigma), torch.special.log_ndtr((-0.5 - d) / sigma)
        return y_hat, -(a + torch.log(-torch.expm1(b - a))) / math.log(2)
