"""Figures of lesson 8: how a range coder narrows its interval."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from jahp_lib.style import COLOURS


def nested_intervals(probabilities: Sequence[float], message: Sequence[int], names: Sequence[str]) -> Figure:
    """How a range coder narrows its interval: one bar for each symbol, each the chosen part of the bar above,
    enlarged.

    Args:
        probabilities: of the symbols, in the order in which they divide a bar.
        message: indices of symbols.
        names: of the symbols.
    """
    edges = np.concatenate([[0.0], np.cumsum(probabilities)])
    figure, ax = plt.subplots(figsize=(9, 0.75 * (len(message) + 1) + 0.3))
    low, width = 0.0, 1.0
    for step in range(len(message) + 1):
        top = -step
        if step == len(message):
            ax.add_patch(plt.Rectangle((0, top), 1, 0.5, facecolor=COLOURS["bits"], edgecolor="black"))
            ax.text(0.5, top + 0.25, "any number in here stands for the message", ha="center", va="center")
        else:
            for index, name in enumerate(names):
                chosen = index == message[step]
                left, span = edges[index], edges[index + 1] - edges[index]
                ax.add_patch(
                    plt.Rectangle(
                        (left, top),
                        span,
                        0.5,
                        facecolor=COLOURS["bits"] if chosen else "0.92",
                        edgecolor="black",
                    )
                )
                ax.text(
                    left + span / 2,
                    top + 0.25,
                    name,
                    ha="center",
                    va="center",
                    weight="bold" if chosen else "normal",
                )
            first, last = edges[message[step]], edges[message[step] + 1]
            for here, below in ((first, 0.0), (last, 1.0)):
                ax.plot([here, below], [top, top - 0.5], ":", color=COLOURS["grey"], linewidth=1.2)
        ax.text(-0.01, top + 0.25, f"{low:.5f}", ha="right", va="center", fontsize=9)
        ax.text(1.01, top + 0.25, f"{low + width:.5f}", ha="left", va="center", fontsize=9)
        if step < len(message):
            low, width = (
                low + width * edges[message[step]],
                width * (edges[message[step] + 1] - edges[message[step]]),
            )
    ax.set(xlim=(-0.1, 1.1), ylim=(-len(message) - 0.1, 0.6))
    ax.axis("off")
    return figure
