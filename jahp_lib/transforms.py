"""Lesson 3. Analysis and synthesis transforms: the picture to its latent and back.

    x --conv 5x5/2--GDN--conv 5x5/2--GDN--conv 5x5/2--GDN--conv 5x5/2--> y
    x_hat <--deconv 5x5*2--IGDN--deconv--IGDN--deconv--IGDN--deconv 5x5*2-- y_hat

Four convolutions of stride 2 make y 16 times smaller than x in each direction (Minnen et al. 2018, table 1).

Two kinds of padding. ``"same"`` keeps sizes in step (n -> ceil(n / 2) -> 2 ceil(n / 2)); models pad the picture to a multiple
of 16 and crop it again, so every size works. ``"valid"`` adds nothing, as the implementation this course grew out of; it
works only for sides of 64 k + 189 pixels (765 among them).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jahp_lib.gdn import GDN

STRIDE = 16  # pixels of x per element of y, in each direction
PADDINGS = ("same", "valid")


def check_sizes(N: int, M: int, padding: str) -> None:
    """Raise ``ValueError`` unless N and M are positive integers and ``padding`` is ``"same"`` or ``"valid"``."""
    for name, value in (("N", N), ("M", M)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is a number of channels and must be a positive integer, not {value!r}.")
    if padding not in PADDINGS:
        raise ValueError(f"padding must be 'same' (any image size) or 'valid' (none, as in the original), not {padding!r}.")


def check_size_without_padding(height: int, width: int, error: type[ValueError] = ValueError) -> None:
    """Raise ``error`` unless networks with padding "valid" give a picture of this size back at its own size."""
    if any(side < 253 or (side - 253) % 64 for side in (height, width)):
        raise error(
            f"Without padding only sides of 253, 317, ... (64 k + 189) pixels come back at their own size, not {height}x{width}. "
            "Use padding='same' for any size."
        )


def conv(in_channels: int, out_channels: int, kernel_size: int = 5, stride: int = 2, padding: int | None = None) -> nn.Conv2d:
    """Convolution that, with the default padding, maps n to ceil(n / stride)."""
    return nn.Conv2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2 if padding is None else padding)


def deconv(in_channels: int, out_channels: int, kernel_size: int = 5, stride: int = 2, padding: int | None = None) -> nn.ConvTranspose2d:
    """Transposed convolution that, with the default padding, maps n to stride * n; with a given padding, none is added at the end."""
    if padding is not None:
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, padding)
    return nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, kernel_size // 2, output_padding=stride - 1)


class AnalysisTransform(nn.Sequential):
    """g_a: images [B, 3, H, W] in [0, 1] to latents y [B, M, H/16, W/16] (``"same"``; sizes round up at each of four halvings).

    Source: Minnen et al. 2018, table 1, column "Encoder".
    """

    def __init__(self, N: int, M: int, padding: str = "same") -> None:
        check_sizes(N, M, padding)
        p = None if padding == "same" else 0
        super().__init__(
            conv(3, N, padding=p),
            GDN(N),
            conv(N, N, padding=p),
            GDN(N),
            conv(N, N, padding=p),
            GDN(N),
            conv(N, M, padding=p),
        )

    def forward(self, x: Tensor) -> Tensor:
        *layers, last = self
        for layer in layers:
            x = layer(x)
        # Latents reach hundreds, where bfloat16 has steps of a whole quantisation bin: the last layer keeps float32.
        with torch.autocast(x.device.type, enabled=False):
            return last(x.float())


class SynthesisTransform(nn.Sequential):
    """g_s: latents [B, M, h, w] to images [B, 3, 16h, 16w] (``"same"``), not clipped to [0, 1].

    Source: Minnen et al. 2018, table 1, column "Decoder".
    """

    def __init__(self, N: int, M: int, padding: str = "same") -> None:
        check_sizes(N, M, padding)
        p = None if padding == "same" else 0
        super().__init__(
            deconv(M, N, padding=p),
            GDN(N, inverse=True),
            deconv(N, N, padding=p),
            GDN(N, inverse=True),
            deconv(N, N, padding=p),
            GDN(N, inverse=True),
            deconv(N, 3, padding=p),
        )


def pad_to_multiple(x: Tensor, multiple: int = STRIDE) -> Tensor:
    """Repeat the last row and column of [B, C, H, W] until both sides are multiples of ``multiple``.

    Repeating costs few bits: a flat border holds nothing new. ``crop`` undoes it. Any H, W >= 1.
    """
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def crop(x: Tensor, height: int, width: int) -> Tensor:
    """The top left ``height`` x ``width`` of [B, C, H, W]."""
    return x[..., :height, :width]
