"""The look of every figure: one colour for one thing, told apart by the colour-blind and by brightness alone.

Colours are Okabe and Ito's. Lines differ in dash and marker as well, so that a figure reads in black and
white.
"""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt

COLOURS = {
    "x": "#000000",
    "y": "#0072B2",
    "z": "#D55E00",
    "means": "#009E73",
    "scales": "#CC79A7",
    "bits": "#E69F00",
    "error": "#7F3C00",
    "other": "#56B4E9",
    "ours": "#D55E00",  # this course's codec among others, where z is not drawn
    "grey": "#777777",
}
# Maps that run from dark to bright print well in black and white; values with a sign get a map with a neutral
# middle.
MAPS = {
    "y": "RdBu_r",
    "z": "RdBu_r",
    "means": "RdBu_r",
    "scales": "viridis",
    "bits": "inferno",
    "error": "cividis",
}
SIGNED = {"y", "z", "means"}

STYLE: dict[Any, Any] = {
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "image.interpolation": "nearest",
}


def use_style() -> None:
    """Set matplotlib's defaults to the course's."""
    plt.rcParams.update(STYLE)
