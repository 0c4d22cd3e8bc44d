"""Figures of lessons 3 and 6: densities with heavy tails, and two numbers that depend on each other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from jahp_lib.course.figures.common import (
    to_numpy,
)
from jahp_lib.style import COLOURS


def density_lines(ax: Axes, samples: Mapping[str, np.ndarray | Tensor], title: str) -> None:
    """Densities of samples, each brought to variance 1, on a logarithmic axis, over the Gaussian of variance
    1 (dashed).
    """
    limit = 8.0
    edges = np.linspace(-limit, limit, 81)
    centres = (edges[:-1] + edges[1:]) / 2
    looks = [(COLOURS["y"], "-"), (COLOURS["z"], "-."), (COLOURS["means"], ":")]
    for (label, values), (colour, dash) in zip(samples.items(), looks, strict=False):
        array = to_numpy(values).ravel()
        counts = np.histogram(array / array.std(), edges)[0] / (len(array) * np.diff(edges))
        ax.semilogy(centres, np.where(counts > 0, counts, np.nan), dash, color=colour, label=label)
    ax.semilogy(
        centres, np.exp(-(centres**2) / 2) / np.sqrt(2 * np.pi), "--", color=COLOURS["grey"], label="Gaussian"
    )
    ax.set(
        ylim=(1e-5, 3),
        xlim=(-limit, limit),
        xlabel="value / standard deviation",
        ylabel="density",
        title=title,
    )
    ax.minorticks_off()
    ax.legend(loc="upper right", fontsize=8, borderaxespad=0)


def joint_histogram(
    ax: Axes,
    first: np.ndarray | Tensor,
    second: np.ndarray | Tensor,
    title: str,
    limit: float = 4.0,
    names: tuple[str, str] = ("$x_1$", "$x_2$"),
    conditional: bool = False,
) -> None:
    """How often two numbers occur together: dark is often (grey levels follow the logarithm of the count).

    With ``conditional=True`` each column is scaled to the same greatest value, and so shows how ``second``
    spreads once ``first`` is known.
    """
    edges = np.linspace(-limit, limit, 42)
    counts = np.histogram2d(to_numpy(first).ravel(), to_numpy(second).ravel(), [edges, edges])[0]
    counts = (
        counts / np.maximum(counts.max(1, keepdims=True), 1)
        if conditional
        else np.log1p(counts) / np.log1p(max(counts.max(), 1))
    )
    ax.imshow(counts.T, origin="lower", extent=(-limit, limit, -limit, limit), cmap="Greys", vmin=0, vmax=1)
    ax.set(xlabel=names[0], ylabel=names[1], title=title)
    ax.grid(False)
