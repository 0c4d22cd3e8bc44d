"""Layers that train sooner on a processor, and memory that is kept between steps; the same values and
gradients.

A training step on a processor waits for memory as much as it computes. Three things help, each tested against
the plain layer:

* ``FastGDN`` computes GDN and its gradient for some hundred positions at a time, which stay in the cache,
  instead of writing squares, sums, roots and their gradients to memory one after the other for the whole
  batch.
* ``FastContext`` leaves out the taps of the masked kernel that are multiplied with zero, 13 of 25.
* ``FastLastLayer`` computes g_s's last layer as an ordinary convolution (as ``codec.fast.transforms`` does).

And ``keep_memory`` asks the C library not to give every large tensor back to the system, which fills each new
one with zeros first. Together they take a fifth off a step of N = 64, M = 188 in float32 (data/README.md).
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jahp_lib.codec.fast.transforms import doubles, sub_pixel
from jahp_lib.gdn import GDN
from jahp_lib.masked_conv import MaskedConv2d
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

COLUMNS = 1024  # positions that GDN takes at once: with 64 channels, 256 KiB
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's mallopt


class _BlockwiseGDN(torch.autograd.Function):
    """y = x * r with r = e^(-1/2), or e^(1/2) for the inverse, and e = beta + gamma x^2 at each position."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gamma: Tensor, beta: Tensor, inverse: bool) -> Tensor:
        x = x.contiguous()
        y, root = torch.empty_like(x), torch.empty_like(x)
        rows, results, roots = (tensor.flatten(2) for tensor in (x, y, root))  # [B, C, positions]
        column = beta[:, None]
        for image in range(x.shape[0]):
            for part in _parts(rows.shape[2]):
                values = rows[image, :, part]
                energy = torch.addmm(column, gamma, values.square())
                r = energy.sqrt_() if inverse else energy.rsqrt_()
                roots[image, :, part] = r
                torch.mul(values, r, out=results[image, :, part])
        ctx.save_for_backward(x, gamma, root)
        ctx.inverse = inverse
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, gamma, root = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        of_x, of_gamma, of_beta = torch.empty_like(x), torch.zeros_like(gamma), torch.zeros_like(gamma[0])
        rows, roots, incoming, results = (tensor.flatten(2) for tensor in (x, root, gradient, of_x))
        twice = (2 * gamma).T.contiguous()
        for image in range(x.shape[0]):
            for part in _parts(rows.shape[2]):
                values, r, g = rows[image, :, part], roots[image, :, part], incoming[image, :, part]
                of_energy = g * values
                if ctx.inverse:  # d e^(1/2) / d e = 1 / (2 e^(1/2))
                    of_energy.div_(r).mul_(0.5)
                else:  # d e^(-1/2) / d e = -e^(-3/2) / 2
                    of_energy.mul_(r).mul_(r).mul_(r).mul_(-0.5)
                of_gamma.addmm_(of_energy, values.square().T)
                of_beta += of_energy.sum(1)
                results[image, :, part] = torch.mm(twice, of_energy).mul_(values).addcmul_(g, r)
        return of_x, of_gamma, of_beta, None


def _parts(positions: int) -> list[slice]:
    return [slice(first, first + COLUMNS) for first in range(0, positions, COLUMNS)]


class FastGDN(GDN):
    """``GDN`` by blocks of positions, in float32."""

    def forward(self, x: Tensor) -> Tensor:
        """As ``GDN``: [B, C, H, W] to the same shape."""
        if x.dtype != torch.float32 or torch.is_autocast_enabled(x.device.type):
            return super().forward(x)
        return _BlockwiseGDN.apply(x, self.gamma, self.beta, self.inverse)


class FastContext(MaskedConv2d):
    """A masked convolution of type A with padding "same", as two convolutions with the taps that count."""

    def forward(self, x: Tensor) -> Tensor:
        """As ``MaskedConv2d``: the rows above in one convolution, what lies to the left in another."""
        row, column = self.kernel_size[0] // 2, self.kernel_size[1] // 2
        above = F.conv2d(F.pad(x, (column, column, row, 0))[..., :-1, :], self.weight[:, :, :row])
        left = F.pad(x, (column, 0, 0, 0))[..., :-1]
        return above + F.conv2d(left, self.weight[:, :, row : row + 1, :column], self.bias)


class FastLastLayer(nn.ConvTranspose2d):
    """A 5x5 transposed convolution of stride 2 as a 3x3 convolution followed by a rearrangement of pixels."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """As ``nn.ConvTranspose2d``."""
        return sub_pixel(self, x)


def speed_up(model: LatentModel | VariableRate) -> None:
    """Exchange the layers of ``model`` for the fast ones, in place: the same weights under the same names."""
    base = model.base
    for layer in base.modules():
        if type(layer) is GDN:
            layer.__class__ = FastGDN
        elif isinstance(layer, MaskedConv2d) and layer.mask_type == "A" and _keeps_size(layer):
            layer.__class__ = FastContext
    last = base.g_s[-1]
    if isinstance(last, nn.ConvTranspose2d) and doubles(last):
        last.__class__ = FastLastLayer


def _keeps_size(layer: nn.Conv2d) -> bool:
    """Whether a convolution is plain, of stride 1, and padded with zeros to keep its input's size."""
    halves = tuple(side // 2 for side in layer.kernel_size)
    plain = layer.stride == (1, 1) and layer.dilation == (1, 1) and layer.groups == 1
    return plain and layer.padding == halves and layer.padding_mode == "zeros" and min(halves) > 0


def keep_memory() -> bool:
    """Keep freed memory for the next step instead of returning it to the system; False where that cannot be
    had.

    It holds for the whole process, so a program that trains calls it, and no library does.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        library = ctypes.CDLL("libc.so.6")
        return bool(library.mallopt(M_MMAP_MAX, 0)) and bool(library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1))
    except (OSError, AttributeError):  # another C library
        return False
