"""Lesson 2. Rate, distortion and the Lagrangian that weighs one against the other.

Rate is counted in bits, distortion as mean squared error on images in [0, 1]. A codec that minimises
``bpp + lmbda * 255**2 * mse`` picks the point of its rate-distortion curve where the tangent has slope
``-lmbda``: a larger ``lmbda`` gives a better picture and a larger file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class Coded(Protocol):
    """What a model returns and a loss needs: the reconstruction and the bits of each coded element."""

    x_hat: Tensor
    y_bits: Tensor
    z_bits: Tensor


def add_uniform_noise(values: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Training's stand-in for rounding: ``values`` plus noise from U(-1/2, 1/2), same shape and type.

    The density of the noisy value, taken at an integer, is the probability of rounding to that integer, and
    its gradient is not zero (Ballé, Laparra & Simoncelli 2017, section 3).
    """
    noise = torch.rand(values.shape, dtype=values.dtype, device=values.device, generator=generator)
    return values + (noise - 0.5)


class _StraightThroughRound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:
        return torch.round(values)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return gradient


def round_straight_through(values: Tensor) -> Tensor:
    """Round to the nearest integer (ties to even); the gradient passes as if nothing had happened.

    Same shape as ``values``. Source of the trick for compression: Theis et al. 2017, section 2.1.
    """
    return _StraightThroughRound.apply(values)


def quantize(values: Tensor, training: bool, offsets: Tensor | float = 0.0) -> Tensor:
    """Noise in training, else ``round(values - offsets) + offsets``; same shape."""
    if training:
        return add_uniform_noise(values)
    return torch.round(values - offsets) + offsets


def psnr(mse: Tensor | float, peak: float = 1.0) -> Tensor:
    """Peak signal-to-noise ratio in dB: ``10 log10(peak**2 / mse)``; infinite where ``mse`` is 0."""
    return 10.0 * torch.log10(peak**2 / torch.as_tensor(mse))


def bits_per_pixel(out: Coded, height: int, width: int) -> Tensor:
    """Bits of each image of the batch divided by its real pixels: shape [B], unit bit/pixel.

    ``out.y_bits`` and ``out.z_bits`` cover everything that is coded, so padding is paid for but not divided
    by.
    """
    bits = out.y_bits.flatten(1).sum(1) + out.z_bits.flatten(1).sum(1)
    return bits / (height * width)


def check_lmbda(lmbda: float | Tensor) -> None:
    """Raise ``ValueError`` unless every λ is finite and greater than zero.

    A tensor on an accelerator is not looked at: that would stall every training step.
    """
    if isinstance(lmbda, Tensor) and lmbda.device.type != "cpu":
        return
    values = torch.as_tensor(lmbda)
    if not bool(torch.isfinite(values).all() and (values > 0).all()):
        raise ValueError(
            f"lmbda must be a finite number greater than 0, not {lmbda}: it weighs distortion against rate; "
            "published models use 0.0018 (small files) to 0.18 (fine pictures)."
        )


@dataclass(frozen=True)
class RateDistortion:
    """The loss and its parts, each a scalar tensor:
    ``loss`` and ``bpp`` in bit/pixel, ``mse`` on [0, 1], ``psnr`` in dB.
    """

    loss: Tensor
    bpp: Tensor
    mse: Tensor
    psnr: Tensor


def rate_distortion_loss(
    out: Coded, x: Tensor, lmbda: float | Tensor, weights: Tensor | None = None
) -> RateDistortion:
    """The Lagrangian R + λD of a batch, ``bpp + lmbda * 255**2 * mse``, averaged over its images.

    Args:
        out: what a model returned for ``x``.
        x: images [B, 3, H, W] in [0, 1].
        lmbda: one λ for all, or a tensor [B] with one for each image.
        weights: how much each image counts in ``loss``, a tensor [B]; all alike by default. The other figures
            are plain means.

    Raises:
        ValueError: ``lmbda`` is not finite or not above 0, or has neither one value nor B of them.

    Source: Minnen et al. 2018, equations 1 and 2; the factor 255**2 lets λ keep the values published for
    8-bit images.
    """
    if isinstance(lmbda, Tensor) and lmbda.numel() not in (1, x.shape[0]):
        raise ValueError(
            f"lmbda must be one number or one for each of the {x.shape[0]} images, not {lmbda.numel()} of "
            "them."
        )
    check_lmbda(lmbda)
    if isinstance(lmbda, Tensor):
        lmbda = lmbda.reshape(-1)  # [B, 1] would pair every λ with every image
    bpp = bits_per_pixel(out, *x.shape[-2:])
    mse = (out.x_hat - x).float().square().flatten(1).mean(1)
    lagrangians = bpp + lmbda * 255.0**2 * mse
    loss = (lagrangians if weights is None else weights * lagrangians).mean()
    mean_mse = mse.mean()
    return RateDistortion(loss=loss, bpp=bpp.mean(), mse=mean_mse, psnr=psnr(mean_mse))
