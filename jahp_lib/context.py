"""Lesson 6. The context model: what has been decoded nearby helps to predict what comes next.

    y_hat --masked conv 5x5, type A--> phi
    z_hat --h_s----------------------> psi      [phi, psi] --three 1x1 convolutions--> means, scales

Source: Minnen et al. 2018, figure 1 and table 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jahp_lib.masked_conv import MaskedConv2d
from jahp_lib.transforms import conv


class ContextPrediction(MaskedConv2d):
    """phi: what the 12 neighbours already decoded say about each position; [B, M, h, w] to [B, 2M, h, w].

    Source: Minnen et al. 2018, table 1, column "Context Prediction": one masked 5x5 convolution, linear.
    """

    def __init__(self, M: int) -> None:
        super().__init__("A", M, 2 * M, kernel_size=5, padding=2)


class EntropyParameters(nn.Sequential):
    """Means and raw scales from both kinds of features: [B, 4M, h, w] (psi before phi) to [B, 2M, h, w] (means before scales).

    All kernels are 1x1, so what is causal stays causal. Widths 4M, 10M/3, 8M/3, 2M: for M = 192, 768, 640, 512, 384.

    Source: Minnen et al. 2018, table 1, column "Entropy Parameters".
    """

    def __init__(self, M: int) -> None:
        super().__init__(
            conv(M * 12 // 3, M * 10 // 3, kernel_size=1, stride=1),
            nn.LeakyReLU(),
            conv(M * 10 // 3, M * 8 // 3, kernel_size=1, stride=1),
            nn.LeakyReLU(),
            conv(M * 8 // 3, M * 6 // 3, kernel_size=1, stride=1),
        )

    def means_and_scales(self, psi: Tensor, phi: Tensor) -> tuple[Tensor, Tensor]:
        """Both halves of the output, each [B, M, h, w]; the scales still without their lower bound."""
        means, raw_scales = self(torch.cat((psi, phi), dim=1)).chunk(2, dim=1)
        return means, raw_scales
