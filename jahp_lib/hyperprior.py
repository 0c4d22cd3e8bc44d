"""Lesson 5. The hyperprior: a second, small latent that tells the decoder how wide the first one is at each place.

    y --h_a--> z --round--> z_hat --h_s--> psi, from which come the means and scales of y

z is coded with the factorized density of lesson 3; then y with a Gaussian of its own for each element:

    bits(y) = -log2( Phi((y + 1/2 - mu) / sigma) - Phi((y - 1/2 - mu) / sigma) )

Source: Ballé et al. 2018, section 3 (scales); Minnen et al. 2018, equation 3 (means and scales).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from jahp_lib.factorized import LIKELIHOOD_BOUND, bits_from_log_likelihood
from jahp_lib.gdn import lower_bound
from jahp_lib.transforms import check_sizes, conv, deconv

# Below this, a Gaussian centred on an integer already has all but 5e-6 of its mass in one bin: less would save no bits and
# only make a wrong mean infinitely dear.
SCALE_BOUND = 0.11


class HyperAnalysisTransform(nn.Sequential):
    """h_a: latents y [B, M, h, w] to hyper-latents z [B, N, ceil(h/4), ceil(w/4)] (``"same"``).

    Source: Minnen et al. 2018, table 1, column "Hyper Encoder". ``"valid"`` has the original implementation's paddings: 0, 1, 0.
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

    Source: Minnen et al. 2018, table 1, column "Hyper Decoder", whose widths are M, 3M/2 and 2M. ``"valid"`` has the original
    implementation's paddings: 0, 1, 0.
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
    """log Phi(x). PyTorch's ``log_ndtr`` has the right value but, in float32, a wrong gradient below about x = -1000."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return torch.special.log_ndtr(x)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        # phi(x) / Phi(x) with the common factor exp(-x^2 / 2) divided out
        return gradient * math.sqrt(2 / math.pi) / torch.special.erfcx(x / -math.sqrt(2))


def gaussian_bits(y: Tensor, means: Tensor, scales: Tensor, likelihood_bound: float = LIKELIHOOD_BOUND) -> Tensor:
    """Bits of y under a Gaussian convolved with a unit-width box, one Gaussian for each element.

    Args:
        y: values to code: means plus integers, or noisy values in training.
        means, scales: broadcast against y; scales are standard deviations above 0, in units of the quantisation step.
        likelihood_bound: no element costs more than ``-log2`` of this; 0 for the bare formula.

    Returns:
        Bits per element, the shape of y, float32 or wider; finite with finite gradients however far y lies from its mean.

    Source: Ballé et al. 2018, section 3; Minnen et al. 2018, equation 3.
    """
    with torch.autocast(y.device.type, enabled=False):
        kind = torch.promote_types(torch.float32, torch.promote_types(y.dtype, scales.dtype))
        distance = (y.to(kind) - means.to(kind)).abs()  # a Gaussian is even: work in its left tail, where digits are kept
        scales = scales.to(kind)
        high = _LogNormalCdf.apply((0.5 - distance) / scales)
        low = _LogNormalCdf.apply((-0.5 - distance) / scales)
        # log(exp(high) - exp(low)); high - low is never below 1e-7 unless scales are beyond all use, so the clamp only
        # keeps the logarithm from zero
        log_likelihood = high + torch.log(-torch.expm1((low - high).clamp(max=-1e-7)))
        return bits_from_log_likelihood(log_likelihood, likelihood_bound)


def bound_scales(raw: Tensor) -> Tensor:
    """Scales from a network's output: at least ``SCALE_BOUND``, with a gradient that lets them come back above it."""
    return lower_bound(raw, SCALE_BOUND)
