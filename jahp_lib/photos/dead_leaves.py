"""Endless dead leaves: pictures of overlapping discs, for training without photos."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def dead_leaves(
    count: int, size: int, rng: np.random.Generator, smallest: float = 1.5, largest: float | None = None
) -> Tensor:
    """Pictures of overlapping discs whose radii follow a power law, uint8 [count, 3, size, size].

    Radii have density proportional to r**-3 between ``smallest`` and ``largest`` (default: half the size),
    which makes the picture look alike at every scale, as photos do; each disc hides what lies below it (Lee,
    Mumford & Huang 2001, "Occlusion models for natural images"). Each disc has a colour of its own and a soft
    shading.

    Raises:
        ValueError: ``count`` or ``size`` is below 1, or the radii are not 0 < smallest < largest.
    """
    largest = max(size / 2, smallest * 2) if largest is None else largest
    if count < 1 or size < 1 or not 0 < smallest < largest:
        raise ValueError(
            "dead_leaves needs count and size of at least 1 and 0 < smallest < largest, not "
            f"{count, size, smallest, largest}."
        )
    pictures = np.empty((count, size, size, 3), np.uint8)
    for picture in pictures:
        _dead_leaves_picture(picture, rng, smallest, largest)
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()


def _dead_leaves_picture(
    picture: np.ndarray, rng: np.random.Generator, smallest: float, largest: float
) -> None:
    """Fill one picture [size, size, 3] from the topmost disc down, until no pixel is uncovered."""
    size = picture.shape[0]
    uncovered = np.ones((size, size), bool)
    mean, spread = rng.uniform(60, 190, 3), rng.uniform(20, 80)
    while uncovered.any():
        for u, row, column in rng.random((64, 3)):
            # inverse of the cumulative distribution of r**-3
            radius = (smallest**-2 - u * (smallest**-2 - largest**-2)) ** -0.5
            row, column = row * (size + 2 * radius) - radius, column * (size + 2 * radius) - radius
            rows = slice(max(int(row - radius), 0), int(row + radius) + 2)
            columns = slice(max(int(column - radius), 0), int(column + radius) + 2)
            free = uncovered[rows, columns]
            if not free.any():
                continue
            down = np.arange(rows.start, rows.start + free.shape[0])[:, None] - row
            across = np.arange(columns.start, columns.start + free.shape[1])[None, :] - column
            inside = (down**2 + across**2 <= radius**2) & free
            colour = mean + spread * (
                rng.standard_normal() + 0.3 * rng.standard_normal(3)
            )  # mostly a difference in brightness
            tilt = rng.normal(0, 25, 2) / max(radius, 8)
            shaded = colour + (tilt[0] * down + tilt[1] * across)[:, :, None]
            picture[rows, columns][inside] = np.clip(shaded, 0, 255)[inside].astype(np.uint8)
            free[inside] = False
