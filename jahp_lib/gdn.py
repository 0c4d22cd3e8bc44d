"""Lesson 3. Generalised divisive normalisation: each channel divided by the energy of all channels at the
same place.

    GDN    y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2)
    IGDN   x_i = y_i * sqrt(beta_i + sum_j gamma_ij y_j^2)

The sum runs over channels, never over positions. The second line is one step of the fixed-point iteration
that would invert the first, not its exact inverse (Ballé, Laparra & Simoncelli 2017, section 2 and equation
4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Parameters are kept as square roots of beta + PEDESTAL and gamma + PEDESTAL. The pedestal keeps the gradient
# of the square away from zero where a gamma is zero, so that it can grow again (Ballé 2018, "Efficient
# nonlinear transforms").
PEDESTAL = 2.0**-36


class _LowerBound(torch.autograd.Function):
    @staticmethod
    def forward(ctx, values: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(values)
        ctx.bound = bound
        return values.clamp_min(bound)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (values,) = ctx.saved_tensors
        passes = (values >= ctx.bound) | (gradient < 0)
        return gradient * passes, None


def lower_bound(values: Tensor, bound: float) -> Tensor:
    """``max(values, bound)`` whose gradient still lets values below the bound come back up.

    A plain ``clamp`` has gradient zero below the bound: what falls under it stays there for ever. Here the
    gradient passes wherever the value is not below the bound, or where a descent step would raise it
    (gradient below zero). Any shape; same shape returned.
    """
    return _LowerBound.apply(values, bound)


class GDN(nn.Module):
    """Generalised divisive normalisation of [B, C, H, W], or with ``inverse=True`` the multiplication that
    undoes most of it.

    Starts as beta = 1 and gamma = 0.1 times the identity, as the paper's code does. ``beta`` [C] and
    ``gamma`` [C, C] are the effective values, both kept at or above their bounds; what is learned are their
    square roots.

    Raises:
        ValueError: ``channels`` is not a positive integer.

    Source: Ballé, Laparra & Simoncelli 2016 (GDN) and 2017, section 2.
    """

    BETA_MIN = 1e-6

    def __init__(self, channels: int, inverse: bool = False) -> None:
        super().__init__()
        if int(channels) != channels or channels < 1:
            raise ValueError(f"GDN needs a positive number of channels, not {channels}.")
        self.channels = int(channels)
        self.inverse = inverse
        self.beta_root = nn.Parameter(torch.sqrt(torch.ones(self.channels) + PEDESTAL))
        self.gamma_root = nn.Parameter(torch.sqrt(0.1 * torch.eye(self.channels) + PEDESTAL))

    @property
    def beta(self) -> Tensor:
        """Effective beta [C], at least ``BETA_MIN``."""
        return lower_bound(self.beta_root, (self.BETA_MIN + PEDESTAL) ** 0.5).square() - PEDESTAL

    @property
    def gamma(self) -> Tensor:
        """Effective gamma [C, C], at least 0; row i holds the weights with which channel i is normalised."""
        return lower_bound(self.gamma_root, PEDESTAL**0.5).square() - PEDESTAL

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4 or x.shape[1] != self.channels:
            raise ValueError(f"GDN({self.channels}) expects [B, {self.channels}, H, W], not {list(x.shape)}.")
        # a sum over channels at each position is a 1x1 convolution of the squares
        energy = F.conv2d(x.square(), self.gamma[:, :, None, None], self.beta)
        return x * (energy.sqrt() if self.inverse else energy.rsqrt())

    def extra_repr(self) -> str:
        return f"{self.channels}, inverse={self.inverse}"
