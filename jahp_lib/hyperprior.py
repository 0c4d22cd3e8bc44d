"""Lesson 6. The hyperprior: a second, small latent that tells the decoder mean and scale of the first at each
position.

    y --h_a--> z --round--> z_hat --h_s--> psi, from which come the means and scales of y

z is coded with the factorized density of lesson 4; then y with a Gaussian of its own for each element:

    bits(y) = -log2( Phi((y + 1/2 - mu) / sigma) - Phi((y - 1/2 - mu) / sigma) )

Source: Ballé et al. 2018, section 3 (scales); Minnen et al. 2018, equation 3 (means and scales).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from jahp_lib.factorized import LIKELIHOOD_BOUND, FactorizedPrior, bits_from_log_likelihood
from jahp_lib.gdn import lower_bound
from jahp_lib.rate_distortion import quantize
from jahp_lib.transforms import (
    NO_GAINS,
    Gains,
    LatentModel,
    Lmbda,
    ModelOutput,
    check_sizes,
    conv,
    crop,
    deconv,
    in_full_precision,
)

# Below this, a Gaussian centred on an integer already has all but 5e-6 of its mass in one bin: less would
# save no bits and only make a wrong mean infinitely expensive.
SCALE_BOUND = 0.11


class HyperAnalysisTransform(nn.Sequential):
    """h_a: latents y [B, M, h, w] to hyper-latents z [B, N, ceil(h/4), ceil(w/4)] (``"same"``).

    Source: Minnen et al. 2018, table 1, column "Hyper Encoder". ``"valid"`` has the original implementation's
    paddings: 0, 1, 0.
    """

    def __init__(self, N: int, M: int, padding: str = "same") -> None:
        check_sizes(N, M, padding)
        first, second, third = (None, None, None) if padding == "same" else (0, 1, 0)
        super().__init__(
            conv(M, N, kernel_size=3, stride=1, padding=first),
            nn.LeakyReLU(),
            conv(N, N, padding=second),
            nn.LeakyReLU(),
            conv(N, N, padding=third),
        )


class HyperSynthesisTransform(nn.Sequential):
    """h_s: quantised hyper-latents [B, N, h, w] to features psi [B, ``out_channels``, 4h, 4w] (``"same"``).

    Source: Minnen et al. 2018, table 1, column "Hyper Decoder", whose widths are M, 3M/2 and 2M. ``"valid"``
    has the original implementation's paddings: 0, 1, 0.
    """

    def __init__(self, N: int, M: int, out_channels: int, padding: str = "same") -> None:
        check_sizes(N, M, padding)
        first, second, third = (None, None, None) if padding == "same" else (0, 1, 0)
        super().__init__(
            deconv(N, M, padding=first),
            nn.LeakyReLU(),
            deconv(M, M * 3 // 2, padding=second),
            nn.LeakyReLU(),
            deconv(M * 3 // 2, out_channels, kernel_size=3, stride=1, padding=third),
        )


class _LogNormalCdf(torch.autograd.Function):
    """log Phi(x). PyTorch's ``log_ndtr`` has the right value but, in float32, a wrong gradient below about x
    = -1000."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.special.log_ndtr(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        # phi(x) / Phi(x) with the common factor exp(-x^2 / 2) divided out
        return gradient * math.sqrt(2 / math.pi) / torch.special.erfcx(x / -math.sqrt(2))


def gaussian_bits(
    y: Tensor, means: Tensor, scales: Tensor, likelihood_bound: float = LIKELIHOOD_BOUND
) -> Tensor:
    """Bits of y under a Gaussian convolved with a unit-width box, one Gaussian for each element.

    Args:
        y: values to code: means plus integers, or noisy values in training.
        means, scales: broadcast against y; scales are standard deviations above 0, in units of the
            quantisation step.
        likelihood_bound: no element costs more than ``-log2`` of this; 0 for the bare formula.

    Returns:
        Bits per element, the shape of y, float32 or wider; finite with finite gradients however far y lies
        from its mean.

    Source: Ballé et al. 2018, section 3; Minnen et al. 2018, equation 3.
    """
    with torch.autocast(y.device.type, enabled=False):
        kind = torch.promote_types(torch.float32, torch.promote_types(y.dtype, scales.dtype))
        distance = (
            y.to(kind) - means.to(kind)
        ).abs()  # a Gaussian is even: work in its left tail, where digits are kept
        scales = scales.to(kind)
        high = _LogNormalCdf.apply((0.5 - distance) / scales)
        low = _LogNormalCdf.apply((-0.5 - distance) / scales)
        # log(exp(high) - exp(low)); high - low is never below 1e-7 unless scales are beyond all use, so the
        # clamp only keeps the logarithm from zero
        log_likelihood = high + torch.log(-torch.expm1((low - high).clamp(max=-1e-7)))
        return bits_from_log_likelihood(log_likelihood, likelihood_bound)


def bound_scales(raw: Tensor) -> Tensor:
    """Scales from a network's output: at least ``SCALE_BOUND``, with a gradient that lets them come back
    above it."""
    return lower_bound(raw, SCALE_BOUND)


class HyperpriorModel(LatentModel):
    """What the models with a hyper-latent share: h_a, h_s and the factorized density of z.

           ┌─────┐ y              ┌───┐ y_hat       ┌─────┐
    x ──▶──┤ g_a ├──┬─────────▶───┤ Q ├──────▶──────┤ g_s ├──▶── x_hat
           └─────┘  │             └───┘             └─────┘
                ┌───┴─┐
                │ h_a │
                └───┬─┘
                  z ▼
                  ┌─┴─┐ z_hat ┌─────┐ psi
                  │ Q ├───▶───┤ h_s ├──▶── means, scales of y_hat
                  └───┘       └─────┘
    """

    hyper_outputs = 2  # channels of psi, as multiples of M

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        self.h_a = HyperAnalysisTransform(N, M, padding)
        self.h_s = HyperSynthesisTransform(N, M, self.hyper_outputs * M, padding)
        self.prior = FactorizedPrior(N)

    def hyper_analyse(self, y: Tensor) -> Tensor:
        """y [B, M, h, w] to z [B, N, ceil(h/4), ceil(w/4)], not quantised."""
        return self.h_a(y)

    def hyper_synthesise(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        """z_hat to psi, cropped to the ``height`` x ``width`` of y (h_s returns multiples of 4)."""
        return crop(self.h_s(z_hat), height, width)


class ScaleHyperprior(HyperpriorModel):
    """The second rung: z tells the scale of each element, means are zero. h_a reads \\|y\\|: a scale has no
    sign.

    Source: Ballé et al. 2018, section 3 and figure 4 (with the hyper-networks of Minnen et al. 2018, so that
    rungs compare).
    """

    hyper_outputs = 1

    def hyper_analyse(self, y: Tensor) -> Tensor:
        """\\|y\\| [B, M, h, w] to z [B, N, ceil(h/4), ceil(w/4)], not quantised."""
        return self.h_a(y.abs())

    def forward(self, x: Tensor, lmbda: Lmbda = None, gains: Gains = NO_GAINS) -> ModelOutput:
        """See ``LatentModel.forward``."""
        gain, inverse_gain = gains
        y = self.analyse(x) * gain  # [B, M, h, w]
        with in_full_precision(y):
            z = self.hyper_analyse(y)  # [B, N, h/4, w/4]
            z_hat = quantize(z, self.training, self.prior.medians[:, None, None])
            z_bits = self.prior(z_hat)
            scales = bound_scales(self.hyper_synthesise(z_hat, *y.shape[-2:]))  # [B, M, h, w]
            means = torch.zeros_like(scales)
            y_hat = quantize(y, self.training)
            y_bits = gaussian_bits(y_hat, means, scales)
        x_hat = self.synthesise(self.seen_by_synthesis(y, y_hat) * inverse_gain, *x.shape[-2:])
        return ModelOutput(x_hat, y_hat, z_hat, means, scales, y_bits, z_bits)


class MeanScaleHyperprior(HyperpriorModel):
    """The third rung: z tells mean and scale of each element. Source: Minnen et al.

    2018 (without context model).
    """

    def forward(self, x: Tensor, lmbda: Lmbda = None, gains: Gains = NO_GAINS) -> ModelOutput:
        """See ``LatentModel.forward``."""
        gain, inverse_gain = gains
        y = self.analyse(x) * gain  # [B, M, h, w]
        with in_full_precision(y):
            z = self.hyper_analyse(y)  # [B, N, h/4, w/4]
            z_hat = quantize(z, self.training, self.prior.medians[:, None, None])
            z_bits = self.prior(z_hat)
            means, raw_scales = self.hyper_synthesise(z_hat, *y.shape[-2:]).chunk(
                2, dim=1
            )  # [B, M, h, w] each
            scales = bound_scales(raw_scales)
            y_hat = quantize(y, self.training, means)
            y_bits = gaussian_bits(y_hat, means, scales)
        x_hat = self.synthesise(self.seen_by_synthesis(y, y_hat, means) * inverse_gain, *x.shape[-2:])
        return ModelOutput(x_hat, y_hat, z_hat, means, scales, y_bits, z_bits)
