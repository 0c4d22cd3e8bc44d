"""Figures of lesson 7: a small grid of correlations."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from jahp_lib.course.figures.common import (
    to_numpy,
)


def numbered_grid(ax: Axes, values: np.ndarray | Tensor, title: str, limit: float = 1.0) -> None:
    """A small grid [h, w] of signed numbers, each written into its square; colours from -``limit`` (blue) to
    ``limit`` (red).
    """
    grid = to_numpy(values)
    ax.imshow(grid, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for (i, j), value in np.ndenumerate(grid):
        ax.text(
            j,
            i,
            f"{value:.2f}",
            ha="center",
            va="center",
            color="white" if abs(value) > 0.65 * limit else "black",
        )
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
