"""Used in lesson 12. A good place to start training from: g_a and g_s as a linear block transform, the best
one for given photos.

Random networks need many thousands of steps to learn what a linear transform gives for nothing: that the
picture comes back. Here each of the four halvings takes blocks of 2x2 pixels (or of what the layer before
made of them) apart into principal components and keeps as many as the layer has channels; g_s puts them
together again with the same vectors. GDN starts as almost nothing. The other taps of the 5x5 kernels and any
channels left over start small and random, so training can put them to use: blocks need not overlap at the
start, but will.

Source of the optimal linear transform: Karhunen-Loève, as in Goyal 2001, "Theoretical foundations of
transform coding".
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jahp_lib.bits import LN2
from jahp_lib.gdn import GDN, PEDESTAL
from jahp_lib.transforms import LatentModel

RANDOM = 0.3  # what is left of the usual random weights of unused channels
COUPLING = 0.02  # by how much a principal component reads unused channels
GAMMA = 0.01  # of GDN: nearly linear


def best_step(lmbda: float) -> float:
    """The quantisation step of an orthonormal transform of [0, 1] pixels that is best for ``lmbda`` at high
    rate.

    A step s costs -log2 s bits and s**2 / 12 of squared error for each coefficient; three coefficients a
    pixel share its mean squared error. The derivative of R + lmbda 255**2 D is zero at s**2 = 18 / (ln 2 *
    lmbda * 255**2).
    """
    return math.sqrt(18 / (LN2 * lmbda * 255**2))


@torch.no_grad()
def start_linear(model: LatentModel, photos: Tensor, lmbda: float = 0.018) -> None:
    """Set g_a and g_s of ``model`` to a block transform fitted to ``photos``; everything else stays as it is.

    Args:
        model: with padding "same".
        photos: patches [n, 3, H, W] in [0, 1]; sides are multiples of 16, n * H * W / 256 blocks well above
            1000.
        lmbda: y is scaled so that its quantisation step of 1 is the best one for this λ at high rate.

    Raises:
        ValueError: the model has no padding, or the patches' sides are not multiples of 16.
    """
    if model.padding != "same":
        raise ValueError(
            "A block transform takes a model with padding='same': without padding its layers see other "
            "blocks."
        )
    if photos.shape[-1] % 16 or photos.shape[-2] % 16:
        raise ValueError(
            f"Patches must have sides that are multiples of 16, not {photos.shape[-2]}x{photos.shape[-1]}."
        )
    mean = photos.mean((0, 2, 3))
    values = photos - mean[:, None, None]
    convolutions = [layer for layer in model.g_a if isinstance(layer, nn.Conv2d)]
    transposed = [layer for layer in model.g_s if isinstance(layer, nn.ConvTranspose2d)]
    for forward, backward in zip(convolutions, reversed(transposed), strict=True):
        blocks = F.pixel_unshuffle(values, 2)  # [n, channels * 4, h, w]
        vectors = principal_components(blocks, forward.out_channels)  # [kept, channels * 4]
        _set_block(forward, backward, vectors)
        values = torch.einsum("kc,nchw->nkhw", vectors, blocks)
    first, last = convolutions[0], transposed[-1]
    assert first.bias is not None
    assert last.bias is not None
    first.bias[: min(12, first.out_channels)] = (
        -first.weight[: min(12, first.out_channels)].sum((2, 3)) @ mean
    )
    last.bias.copy_(mean)
    scale = 1 / best_step(lmbda)
    convolutions[-1].weight.mul_(scale)
    transposed[0].weight.mul_(1 / scale)
    for layer in (*model.g_a, *model.g_s):
        if isinstance(layer, GDN):
            layer.beta_root.fill_(math.sqrt(1 + PEDESTAL))
            layer.gamma_root.copy_(torch.sqrt(GAMMA * torch.eye(layer.channels) + PEDESTAL))


def principal_components(values: Tensor, most: int) -> Tensor:
    """The ``most`` strongest principal components of [n, C, h, w], as orthonormal rows [at most C, C],
    strongest first.
    """
    rows = values.transpose(0, 1).flatten(1)
    _, vectors = torch.linalg.eigh(rows @ rows.T / rows.shape[1])
    return vectors.flip(1)[:, :most].T.contiguous()


def _set_block(forward: nn.Conv2d, backward: nn.ConvTranspose2d, vectors: Tensor) -> None:
    """Write ``vectors`` [k, c * 4] into the 2x2 middle taps of a layer of g_a and of its counterpart in
    g_s.
    """
    kept, inputs = vectors.shape[0], vectors.shape[1] // 4
    taps = vectors.view(kept, inputs, 2, 2)
    for bias in (forward.bias, backward.bias):
        if bias is not None:
            bias.zero_()
    forward.weight.mul_(RANDOM)
    forward.weight[:kept] = 0
    forward.weight[:kept, :inputs, 2:4, 2:4] = taps
    unused = forward.weight[:kept, inputs:]
    unused.copy_(torch.randn(unused.shape) * COUPLING / math.sqrt(unused.shape[1] + 1))
    backward.weight.mul_(RANDOM)
    backward.weight[:kept] = 0
    backward.weight[:kept, :inputs, 2:4, 2:4] = taps
    backward.weight[kept:, :inputs].mul_(RANDOM)
