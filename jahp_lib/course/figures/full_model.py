"""Figures of lesson 12: a training run, its snapshots, and the order in which newer context models decode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from jahp_lib.course.figures.common import (
    Picture,
    as_array,
    error_map,
    map_panel,
    over_photo,
)
from jahp_lib.style import COLOURS

if TYPE_CHECKING:
    from jahp_lib.snapshots import Snapshot
    from jahp_lib.training import EpochRecord


def learning_curves(records: Sequence[EpochRecord], shots: Sequence[Snapshot]) -> Figure:
    """A training run in three panels over its epochs: loss, rate and PSNR.

    Rate and PSNR of the training patches are means over all λ drawn in training; those of the photo kept
    aside belong to the snapshots' one λ.
    """
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.1))
    epochs = [record.epoch for record in records]
    axes[0].semilogy(epochs, [record.loss for record in records], "o-", color=COLOURS["x"], markersize=4)
    seen = [shot.epoch for shot in shots]
    for ax, name, colour in ((axes[1], "bpp", COLOURS["bits"]), (axes[2], "psnr", COLOURS["error"])):
        trained, kept_aside = ([getattr(point, name) for point in points] for points in (records, shots))
        ax.plot(epochs, trained, "o-", color=colour, markersize=4, label="training patches")
        ax.plot(seen, kept_aside, "s--", color=COLOURS["x"], markersize=4, label="the photo kept aside")
    for ax, title in zip(axes, ("loss (bit/pixel)", "rate (bit/pixel)", "PSNR (dB)"), strict=True):
        ax.set_title(title)
        ax.set_xlabel("epoch")
        ax.xaxis.get_major_locator().set_params(integer=True)
    axes[1].set_ylim(bottom=0)
    for ax in axes[1:]:
        ax.legend(fontsize=8)
    return figure


def snapshot_panel(
    shot: Snapshot, original: Picture, strongest: int = 0, limits: Mapping[str, float] | None = None
) -> Figure:
    """One snapshot in two rows: original, reconstruction, error, bits; then one latent channel, its means and
    its scales.

    Where the model has no means and scales, their panels stay empty.

    Args:
        strongest: which of the snapshot's channels, 0 for the one that takes the most bits.
        limits: upper ends of the colours of "y", "scales", "bits" and "error", so that snapshots compare; see
            ``snapshot_limits``.
    """
    limits = limits or snapshot_limits([shot], original)
    # drawn again at every touch of a slider, and the automatic layout would take more time than all the rest
    figure, axes = plt.subplots(2, 4, figsize=(13, 4.2), layout="none")
    figure.subplots_adjust(left=0.005, right=0.965, bottom=0.02, top=0.93, wspace=0.14, hspace=0.18)
    pictures = (
        (original, "original"),
        (shot.x_hat, f"epoch {shot.epoch}: {shot.bpp:.3f} bit/pixel, {shot.psnr:.2f} dB"),
    )
    for ax, (picture, title) in zip(axes[0], pictures, strict=False):
        ax.imshow(as_array(picture))
        ax.set_title(title)
        ax.axis("off")
    map_panel(axes[0, 2], error_map(original, shot.x_hat), "error", "error (grey levels)", limits["error"])
    over_photo(axes[0, 3], original, shot.y_bits, "bits", "bits at each position", limits["bits"])
    channel = int(shot.channels[strongest])
    map_panel(axes[1, 0], shot.latents[strongest], "y", f"ŷ, channel {channel}", limits["y"])
    if shot.scales.size == 0:
        for ax in axes[1, 1:]:
            ax.axis("off")
        return figure
    map_panel(axes[1, 1], shot.means[strongest], "means", "its predicted means μ", limits["y"])
    map_panel(axes[1, 2], shot.scales[strongest], "scales", "its predicted scales σ", limits["scales"])
    average, title = shot.scales.astype(np.float32).mean(0), f"σ, mean of the {len(shot.channels)} strongest"
    over_photo(axes[1, 3], original, average, "scales", title, limits["scales"])
    return figure


def snapshot_limits(shots: Sequence[Snapshot], original: Picture) -> dict[str, float]:
    """Ends of the colours that fit all snapshots of a run: of each quantity the 99th percentile over all of
    them.

    Where the model has no such quantity the end is 1.
    """

    def top(maps: Sequence[np.ndarray]) -> float:
        values = np.abs(np.concatenate([values.astype(np.float32).ravel() for values in maps]))
        return float(np.percentile(values, 99) if values.size else 0.0) or 1.0

    return {
        "y": top([shot.latents for shot in shots]),
        "scales": top([shot.scales for shot in shots]),
        "bits": top([shot.y_bits for shot in shots]),
        "error": top([error_map(original, shots[-1].x_hat)]),
    }


DECODING_ORDERS = ("raster with wavefront", "checkerboard", "channel-wise", "uneven groups + checkerboard")


def decoding_steps(order: str, side: int = 8, channels: int = 320) -> np.ndarray:
    """In which step each latent is decoded, counted from 1: [channels, side, side] for one of
    ``DECODING_ORDERS``.

    Sources: the wavefront of lesson 9; He et al. 2021 (checkerboard: two steps); Minnen & Singh 2020 (ten
    equal slices of channels); He et al. 2022 (ELIC: channels in groups of 16, 16, 32, 64 and the rest, each
    in two checkerboard steps).
    """
    row, column = np.mgrid[:side, :side]
    board = 1 + (row + column) % 2
    if order == "raster with wavefront":
        return np.broadcast_to(1 + column + 3 * row, (channels, side, side))
    if order == "checkerboard":
        return np.broadcast_to(board, (channels, side, side))
    if order == "channel-wise":
        return np.broadcast_to(
            (1 + np.arange(channels) * 10 // channels)[:, None, None], (channels, side, side)
        )
    group = np.searchsorted([16, 32, 64, 128], np.arange(channels), side="right")
    return 2 * group[:, None, None] + board


def decoding_orders() -> Figure:
    """How four context models decode a latent; numbers are steps.

    Above: one channel. Below: all channels along the first row.
    """
    side, channels = 8, 320
    figure, axes = plt.subplots(2, 4, figsize=(13, 6.4), height_ratios=(1, 1))
    names = (
        "this course: raster,\nas a wavefront",
        "checkerboard\n(He 2021)",
        "channel-wise\n(Minnen & Singh 2020)",
        "ELIC\n(He 2022)",
    )
    for column, (order, name) in enumerate(zip(DECODING_ORDERS, names, strict=True)):
        steps = decoding_steps(order, side, channels)
        last = int(steps.max())
        colours = plt.get_cmap("viridis", last)
        above, below = axes[:, column]
        above.imshow(steps[0], cmap=colours, vmin=0.5, vmax=last + 0.5)
        below.imshow(
            steps[:, 0],
            cmap=colours,
            vmin=0.5,
            vmax=last + 0.5,
            aspect="auto",
            extent=(-0.5, side - 0.5, channels, 0),
        )
        starts = np.flatnonzero(np.diff(steps[:, 0, 0], prepend=0))
        ends = np.append(starts[1:], channels)
        for j in range(side):
            for i in range(side):
                _step_number(above, j, i, int(steps[0, i, j]), last)
            for start, end in zip(starts, ends, strict=True):
                if end - start >= 16:
                    _step_number(
                        below,
                        j,
                        (start + end) / 2,
                        int(steps[start, 0, j]),
                        last,
                        6.5 if end - start < 24 else 8,
                    )
        for start in starts[1:]:
            below.axhline(start, color="white", linewidth=1.2)
        above.set_title(f"{name}\n{last} steps")
        above.axis("off")
        below.set_xticks([])
        below.grid(False)
        below.set_xlabel("positions of the first row")
    axes[0, 0].text(
        -0.08, 0.5, "channel 0", rotation=90, va="center", ha="right", transform=axes[0, 0].transAxes
    )
    axes[1, 0].set_ylabel(f"all {channels} channels")
    return figure


def _step_number(ax: Axes, x: float, y: float, step: int, last: int, size: float = 8) -> None:
    ax.text(
        x,
        y,
        str(step),
        ha="center",
        va="center",
        fontsize=size,
        color="white" if step <= 0.6 * last else "black",
    )
