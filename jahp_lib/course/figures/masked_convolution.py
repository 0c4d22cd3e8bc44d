"""Figures of lesson 5, and of lesson 7 again: what one position sees of the others."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from jahp_lib.course.figures.common import (
    squares,
    to_numpy,
)
from jahp_lib.style import COLOURS

UNSEEN_LATER, UNSEEN_EARLIER, SEEN_EARLIER, SEEN_TOO_EARLY = range(4)


def sight(seen: np.ndarray | Tensor, row: int, column: int) -> np.ndarray:
    """What the output at (``row``, ``column``) sees of each position.

    ``seen`` [H, W] is not 0 where it sees something.

    In raster order: 0 a later position, not seen; 1 an earlier one, not seen; 2 an earlier one, seen; 3 its
    own position or a later one, seen, which a decoder cannot offer. Its own position counts as later.
    """
    sees = to_numpy(seen) != 0
    earlier = np.arange(sees.size).reshape(sees.shape) < row * sees.shape[1] + column
    return np.where(
        earlier, np.where(sees, SEEN_EARLIER, UNSEEN_EARLIER), np.where(sees, SEEN_TOO_EARLY, UNSEEN_LATER)
    )


def receptive_field(ax: Axes, seen: np.ndarray | Tensor, row: int, column: int, title: str = "") -> None:
    """Draw ``sight``: blue is seen, white is earlier but not seen, grey is later; a cross marks what must not
    be seen.

    A frame marks the output's own position.
    """
    views = sight(to_numpy(seen), row, column)
    colours = np.array([to_rgb(colour) for colour in ("0.8", "white", COLOURS["y"], COLOURS["z"])])
    squares(ax, colours[views], title, "0.6", 0.5)
    rows, columns = np.nonzero(views == SEEN_TOO_EARLY)
    ax.scatter(columns, rows, marker="x", color="white", s=18, linewidth=1.3, zorder=3)
    ax.add_patch(
        plt.Rectangle(
            (column - 0.5, row - 0.5),
            1,
            1,
            fill=False,
            edgecolor="black",
            linewidth=2.5,
            zorder=4,
            clip_on=False,
        )
    )
