"""Figures of lesson 9: the wavefront of decoding, and the bytes of a file."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from jahp_lib.course.figures.common import (
    squares,
)
from jahp_lib.style import COLOURS


def wavefront_state(times: np.ndarray, step: int) -> np.ndarray:
    """Of each position: 0 waits, 1 is coded now, 2 was coded before; ``times`` [h, w] are the steps."""
    return np.where(times < step, 2, np.where(times == step, 1, 0))


def wavefront_panel(ax: Axes, times: np.ndarray, step: int, title: str = "", numbers: bool = False) -> None:
    """A latent in the middle of decoding: blue is done, orange is decoded now, grey waits.

    With ``numbers`` each position bears the number of its step.
    """
    state = wavefront_state(times, step)
    colours = np.array([to_rgb(colour) for colour in ("0.88", COLOURS["bits"], COLOURS["y"])])
    squares(ax, colours[state], title, "white", 0.6)
    if numbers:
        for (row, column), time in np.ndenumerate(times):
            ax.text(
                column,
                row,
                str(time),
                ha="center",
                va="center",
                fontsize=9,
                color="white" if state[row, column] == 2 else "black",
            )


def byte_fields(blob: bytes, fields: Sequence[tuple[str, int]], columns: int = 12) -> Figure:
    """The first bytes of a file in hexadecimal, its fields in turns white and blue with their names below.

    Args:
        blob: the file.
        fields: (name, number of bytes) in order.
        columns: bytes to a row.

    Raises:
        ValueError: a field reaches over the end of its row.
    """
    rows = -(-sum(length for _, length in fields) // columns)
    figure, ax = plt.subplots(figsize=(0.78 * columns, 1.05 * rows))
    start = 0
    for index, (name, length) in enumerate(fields):
        row, left = divmod(start, columns)
        if left + length > columns:
            raise ValueError(
                f"The field {name!r} reaches over the end of its row: choose other columns than {columns}."
            )
        for offset in range(length):
            fill = "#DCEAF4" if index % 2 else "white"
            ax.add_patch(
                plt.Rectangle((left + offset, -row), 1, 0.5, facecolor=fill, edgecolor="0.6", linewidth=0.8)
            )
            ax.text(
                left + offset + 0.5,
                -row + 0.25,
                f"{blob[start + offset]:02x}",
                ha="center",
                va="center",
                family="monospace",
            )
        ax.add_patch(
            plt.Rectangle((left, -row), length, 0.5, fill=False, edgecolor="black", linewidth=1.8, zorder=3)
        )
        ax.text(left + length / 2, -row - 0.07, name, ha="center", va="top", fontsize=9)
        start += length
    ax.set(xlim=(-0.05, columns + 0.05), ylim=(-rows + 0.5, 0.55))
    ax.axis("off")
    return figure
