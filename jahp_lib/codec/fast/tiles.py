"""Big pictures in overlapping tiles: the same result in bounded memory.

An element of y sees no further than 30 pixels beyond its own 16, and a pixel of x_hat depends on no latent
further than 2 away (four layers with kernels of 5 and stride 2). So a tile computed with a margin of 32
pixels, or 2 latents, has in its middle what the whole picture would have there. The margin is computed and
thrown away: 13 % more work for tiles of 1024 pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

TILE = 64  # side of a tile in latents: 1024 pixels
MARGIN = 2  # in latents


def tiled(
    transform: Callable[[Tensor], Tensor],
    x: Tensor,
    unit_in: int,
    unit_out: int,
    tile: int = TILE,
    margin: int = MARGIN,
    progress: Callable[[int, int], None] | None = None,
) -> Tensor:
    """``transform(x)`` in tiles of ``tile`` x ``tile`` latents; one tile, and so ``transform(x)`` itself,
    where that is enough.

    Args:
        transform: [1, C, unit_in * h, unit_in * w] to [1, C', unit_out * h, unit_out * w].
        x: [1, C, H, W] with sides that are multiples of ``unit_in``.
        unit_in, unit_out: samples to a latent on either side: (16, 1) for analysis, (1, 16) for synthesis.
        progress: told (tiles done, tiles in all).
    """
    height, width = (side // unit_in for side in x.shape[-2:])
    if height <= tile and width <= tile:
        whole = transform(x)
        if progress is not None:
            progress(1, 1)
        return whole
    corners = [(top, left) for top in range(0, height, tile) for left in range(0, width, tile)]
    result: Tensor | None = None
    for done, (top, left) in enumerate(corners, start=1):
        rows, outer_rows = _span(top, tile, margin, height)
        columns, outer_columns = _span(left, tile, margin, width)
        part = transform(x[:, :, _scaled(outer_rows, unit_in), _scaled(outer_columns, unit_in)])
        if result is None:
            size = (height * unit_out, width * unit_out)
            result = torch.empty(1, part.shape[1], *size, dtype=part.dtype, device=part.device)
        middle = part[
            :, :, _scaled(rows, unit_out, outer_rows.start), _scaled(columns, unit_out, outer_columns.start)
        ]
        result[:, :, _scaled(rows, unit_out), _scaled(columns, unit_out)] = middle
        if progress is not None:
            progress(done, len(corners))
    if result is None:
        raise ValueError("A picture without pixels has no tiles.")
    return result


def _span(start: int, tile: int, margin: int, length: int) -> tuple[slice, slice]:
    """A tile along one side, and the same with its margin; both within 0 ... length."""
    end = min(start + tile, length)
    return slice(start, end), slice(max(start - margin, 0), min(end + margin, length))


def _scaled(span: slice, unit: int, origin: int = 0) -> slice:
    """From latents to samples, counted from the latent ``origin``."""
    return slice((span.start - origin) * unit, (span.stop - origin) * unit)
