"""Figures of lesson 2: the bins of a quantiser in the plane."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from jahp_lib.course.figures.common import (
    to_numpy,
)
from jahp_lib.style import COLOURS


def bin_borders(symbols: np.ndarray | Tensor) -> np.ndarray:
    """Where a quantiser's bins meet: bool [h, w], true where ``symbols`` [h, w, n] change to the right or
    below.
    """
    values = to_numpy(symbols)
    borders = np.zeros(values.shape[:2], bool)
    borders[:, :-1] |= (values[:, 1:] != values[:, :-1]).any(2)
    borders[:-1] |= (values[1:] != values[:-1]).any(2)
    return borders


def quantisation_bins(
    ax: Axes,
    symbols: np.ndarray | Tensor,
    limits: tuple[float, float, float, float],
    points: np.ndarray | Tensor,
    centres: np.ndarray | Tensor,
    title: str,
) -> None:
    """The bins of a quantiser of the plane over a cloud of points, and where each bin is reconstructed.

    Args:
        symbols: [h, w, n], the n whole numbers that each point of a fine grid is rounded to, row 0 at the
            bottom.
        limits: left, right, bottom and top of that grid.
        points: [n, 2], the data.
        centres: [m, 2], what the decoder puts in place of all points of a bin.
    """
    cloud, dots = to_numpy(points), to_numpy(centres)
    ax.scatter(cloud[:, 0], cloud[:, 1], s=2, color=COLOURS["other"], alpha=0.35, linewidths=0, zorder=1)
    shades = np.zeros((*symbols.shape[:2], 4), np.float32)
    shades[bin_borders(symbols)] = (0.35, 0.35, 0.35, 1.0)
    ax.imshow(shades, origin="lower", extent=limits, aspect="auto", interpolation="antialiased", zorder=2)
    ax.scatter(dots[:, 0], dots[:, 1], s=14, color=COLOURS["z"], zorder=3)
    ax.set(xlim=limits[:2], ylim=limits[2:], xlabel="$x_1$", ylabel="$x_2$", title=title)
    ax.grid(False)
