"""Figures of lesson 4: the sizes of a network's feature maps."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from jahp_lib.style import COLOURS


def shape_boxes(shapes: Sequence[tuple[int, int]], names: Sequence[str]) -> Figure:
    """Feature maps of a network as boxes in a row: height is the side in pixels, width the number of
    channels.

    Args:
        shapes: (channels, side) of each feature map, in order.
        names: what stands under each box, say the layer that makes it.
    """
    figure, ax = plt.subplots(figsize=(10, 3.4))
    tallest, widest = max(side for _, side in shapes), max(channels for channels, _ in shapes)
    smallest = min(range(len(shapes)), key=lambda index: shapes[index][1])
    left = 0.0
    for index, ((channels, side), name) in enumerate(zip(shapes, names, strict=True)):
        width, height = 0.06 + channels / widest, side / tallest
        colour = COLOURS["y"] if index == smallest else "0.85"
        ax.add_patch(
            plt.Rectangle(
                (left, -height / 2), width, height, facecolor=colour, edgecolor="black", linewidth=1
            )
        )
        ax.text(left + width / 2, -0.58, name, ha="center", va="top")
        ax.text(
            left + width / 2,
            height / 2 + 0.03,
            f"{channels}×{side}×{side}",
            ha="center",
            va="bottom",
            fontsize=8,
        )
        left += width + 0.45
    ax.set(xlim=(-0.45, left), ylim=(-0.72, 0.62))
    ax.axis("off")
    return figure
