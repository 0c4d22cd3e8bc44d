"""Lesson 5. Convolution that sees only what has been decoded before.

In raster order (left to right, top to bottom) the kernel of position (i, j) may touch the rows above and, in
its own row, what lies to the left. Type A leaves the centre out: it is for the first layer, whose input is
what is to be predicted. Type B keeps the
centre: it is for later layers, whose input at (i, j) already depends on the past alone.

    type A (5x5)      type B (5x5)
    1 1 1 1 1         1 1 1 1 1
    1 1 1 1 1         1 1 1 1 1
    1 1 0 0 0         1 1 1 0 0
    0 0 0 0 0         0 0 0 0 0
    0 0 0 0 0         0 0 0 0 0

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, "Pixel recurrent neural networks", section 3.4 and
figure 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def causal_mask(mask_type: str, kernel_height: int, kernel_width: int) -> Tensor:
    """The mask [kernel_height, kernel_width] of ones and zeros, for ``mask_type`` "A" or "B"."""
    mask = torch.ones(kernel_height, kernel_width)
    row, column = kernel_height // 2, kernel_width // 2
    mask[row, column + (mask_type == "B") :] = 0
    mask[row + 1 :] = 0
    return mask


class MaskedConv2d(nn.Conv2d):
    """``torch.nn.Conv2d`` whose kernel is masked so that no output sees its own position (type A) or any
    later one (A and B).

    ``MaskedConv2d("A", in_channels, out_channels, kernel_size, ...)``: all further arguments are those of
    ``torch.nn.Conv2d``. The mask is applied in every forward pass, to the weights and so to their gradients;
    ``weight`` itself is left alone.

    Raises:
        ValueError: ``mask_type`` is neither "A" nor "B", or a side of the kernel is even (it would have no
            centre).

    Source: van den Oord et al. 2016, section 3.4; as context model: Minnen et al. 2018.
    """

    mask: Tensor

    def __init__(self, mask_type: str, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if mask_type not in ("A", "B"):
            raise ValueError(
                "mask_type must be 'A' (first layer, without the centre) or 'B' (later layers, with it), "
                f"not {mask_type!r}."
            )
        if self.kernel_size[0] % 2 == 0 or self.kernel_size[1] % 2 == 0:
            raise ValueError(
                f"A masked convolution needs a kernel with a centre: odd sides, not {self.kernel_size}."
            )
        self.mask_type = mask_type
        # derived from the arguments, so it does not belong in a file of weights; of the weights' type and
        # device
        self.register_buffer(
            "mask", causal_mask(mask_type, *self.kernel_size).to(self.weight), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.weight * self.mask, self.bias)

    def extra_repr(self) -> str:
        return f"{self.mask_type!r}, {super().extra_repr()}"
