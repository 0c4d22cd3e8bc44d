"""Figures of the course: one look, one colour for one thing, a caption and an alternative text for each.

Colours are Okabe and Ito's, told apart by the colour-blind and by their brightness; lines differ in dash and marker as well.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image
from torch import Tensor

from jahp_lib.transforms import STRIDE

if TYPE_CHECKING:
    from jahp_lib.snapshots import Snapshot
    from jahp_lib.training import EpochRecord

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
# Maps that run from dark to bright print well in black and white; values with a sign get a map with a neutral middle.
MAPS = {
    "y": "RdBu_r",
    "z": "RdBu_r",
    "means": "RdBu_r",
    "scales": "viridis",
    "bits": "inferno",
    "error": "cividis",
}
SIGNED = {"y", "z", "means"}

STYLE = {
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

Picture = Image.Image | np.ndarray | Tensor


def use_style() -> None:
    """Set matplotlib's defaults to the course's."""
    plt.rcParams.update(STYLE)


def as_array(picture: Picture) -> np.ndarray:
    """A PIL image, [3, H, W] or [1, 3, H, W] tensor, or [H, W, 3] array, as an array that ``imshow`` takes."""
    if isinstance(picture, Tensor):
        values = picture.detach().cpu()
        values = values[0] if values.dim() == 4 else values
        picture = values.permute(1, 2, 0).numpy()
    picture = np.asarray(picture)
    return picture if picture.dtype == np.uint8 else picture.clip(0, 1)


def _grey_levels(picture: Picture) -> np.ndarray:
    """A picture as float32 [H, W, 3] from 0 to 255."""
    array = as_array(picture)
    return array.astype(np.float32) * (1.0 if array.dtype == np.uint8 else 255.0)


def to_numpy(values: Tensor | np.ndarray) -> np.ndarray:
    """A tensor from any device, or an array, as a numpy array of floats."""
    return (
        values.detach().float().cpu().numpy()
        if isinstance(values, Tensor)
        else np.asarray(values, dtype=np.float32)
    )


def bundle(figure: Figure, alt: str, kind: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """A figure as a notebook output with its alternative text, and closed: data and metadata for ``display(raw=True)``.

    ``kind``: "photo" is stored as JPEG (a quarter of the bytes), "plot" as PNG.
    """
    mime, suffix = ("image/jpeg", "jpeg") if kind == "photo" else ("image/png", "png")
    options = {"pil_kwargs": {"quality": 88}} if kind == "photo" else {"metadata": {"Software": None}}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=suffix, **options)
    plt.close(figure)
    return {mime: base64.b64encode(buffer.getvalue()).decode(), "text/plain": alt}, {mime: {"alt": alt}}


def show(figure: Figure, caption: str, alt: str, kind: str = "plot") -> None:
    """Show a figure with a caption below it and an alternative text for those who cannot see it.

    Args:
        caption: what to see in the figure, in Markdown.
        alt: what the figure looks like, in words.
        kind: "plot" for lines, "photo" for pictures.
    """
    data, metadata = bundle(figure, alt, kind)
    display(data, raw=True, metadata=metadata)
    display(Markdown(f"*{caption}*" if not re.search(r"(?<!\*)\*(?!\*)", caption) else caption))


def _title_height(titles: Sequence[str]) -> float:
    """Inches that the tallest of ``titles`` takes above its picture."""
    return 0.2 + 0.2 * (1 + max(title.count("\n") for title in titles))


def _grid(
    arrays: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int,
    figsize: tuple[float, float],
    **look: str | float,
) -> Figure:
    """Arrays in rows of ``columns``, a title over each, without axes; ``look`` goes to ``imshow``."""
    figure, axes = plt.subplots(-(-len(arrays) // columns), columns, figsize=figsize, squeeze=False)
    for ax in axes.flat:
        ax.axis("off")
    for ax, (array, title) in zip(axes.flat, zip(arrays, titles, strict=True), strict=False):
        ax.imshow(array, **look)
        ax.set_title(title)
    return figure


def photo_row(
    pictures: Sequence[Picture],
    titles: Sequence[str],
    height: float = 2.8,
    crop: tuple[int, int, int, int] | None = None,
) -> Figure:
    """Pictures of one shape side by side, a title over each; ``crop`` = (top, left, height, width) cuts all alike."""
    arrays = [as_array(picture) for picture in pictures]
    if crop is not None:
        top, left, tall, wide = crop
        arrays = [array[top : top + tall, left : left + wide] for array in arrays]
    aspect = arrays[0].shape[1] / arrays[0].shape[0]
    return _grid(arrays, titles, len(arrays), (height * aspect * len(arrays), height + _title_height(titles)))


def map_panel(
    ax: Axes, values: np.ndarray | Tensor, kind: str, title: str, limit: float | None = None
) -> AxesImage:
    """A map [h, w] of one quantity in its colours, with a colour bar. ``kind`` is a key of ``MAPS``.

    ``limit`` fixes the upper end of the colours (both ends, for signed quantities).
    """
    values = to_numpy(values)
    top = float(limit if limit is not None else np.abs(values).max() or 1.0)
    image = ax.imshow(values, cmap=MAPS[kind], vmin=-top if kind in SIGNED else 0.0, vmax=top)
    ax.set_title(title)
    ax.axis("off")
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)
    return image


def over_photo(
    ax: Axes, picture: Picture, values: np.ndarray | Tensor, kind: str, title: str, limit: float | None = None
) -> None:
    """A map [h, w], one value for each 16x16 pixels, laid over its photo in grey; ``limit`` fixes the upper end of the colours.

    Cells of a padded picture reach beyond the photo and are cut off there; cells of a model without padding leave a margin all around.
    """
    grey = _grey_levels(picture).mean(2)
    values = to_numpy(values)
    height, width = grey.shape
    tall, wide = (STRIDE * cells for cells in values.shape)
    top, left = (
        max(height - tall, 0) / 2 - 0.5,
        max(width - wide, 0) / 2 - 0.5,
    )  # a pixel's middle is its whole number
    ax.imshow(grey, cmap="gray", vmin=0, vmax=255)
    image = ax.imshow(
        values, cmap=MAPS[kind], alpha=0.6, vmin=0, vmax=limit, extent=(left, left + wide, top + tall, top)
    )
    ax.set(title=title, xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.axis("off")
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)


def rate_distortion_axes(ax: Axes, title: str = "") -> None:
    """Label axes as a rate-distortion plot: bit/pixel to the right, PSNR upwards."""
    ax.set_xlabel("rate (bit/pixel)")
    ax.set_ylabel("PSNR (dB)")
    ax.set_title(title)


def error_map(original: Picture, reconstruction: Picture) -> np.ndarray:
    """Absolute error of each pixel, mean over colours, in grey levels (0 to 255): [H, W]."""
    return np.abs(_grey_levels(original) - _grey_levels(reconstruction)).mean(2)


def log_ticks(ax: Axes, values: Sequence[float]) -> None:
    """Plain numbers at chosen places of a logarithmic x axis."""
    ax.set_xscale("log")
    ax.set_xticks(list(values), [f"{value:g}" for value in values])
    ax.minorticks_off()


def photo_grid(
    pictures: Sequence[Picture], titles: Sequence[str], columns: int = 3, width: float = 9.0
) -> Figure:
    """Pictures of one shape in rows of ``columns``, a title over each; ``width`` of the whole in inches."""
    arrays = [as_array(picture) for picture in pictures]
    rows = -(-len(arrays) // columns)
    tall = width / columns * arrays[0].shape[0] / arrays[0].shape[1] + _title_height(titles)
    return _grid(arrays, titles, columns, (width, rows * tall))


def learning_curves(records: Sequence[EpochRecord], shots: Sequence[Snapshot]) -> Figure:
    """A training run in three panels over its epochs: loss, rate and PSNR of the training patches, and of the snapshots' photo.

    Rate and PSNR of the patches are means over all λ drawn in training; those of the photo belong to the snapshots' one λ.
    """
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.1))
    epochs = [record.epoch for record in records]
    axes[0].semilogy(epochs, [record.loss for record in records], "o-", color=COLOURS["x"], markersize=4)
    axes[1].plot(
        epochs,
        [record.bpp for record in records],
        "o-",
        color=COLOURS["bits"],
        markersize=4,
        label="training patches",
    )
    axes[2].plot(
        epochs,
        [record.psnr for record in records],
        "o-",
        color=COLOURS["error"],
        markersize=4,
        label="training patches",
    )
    seen = [shot.epoch for shot in shots]
    axes[1].plot(
        seen,
        [shot.bpp for shot in shots],
        "s--",
        color=COLOURS["x"],
        markersize=4,
        label="the photo kept aside",
    )
    axes[2].plot(
        seen,
        [shot.psnr for shot in shots],
        "s--",
        color=COLOURS["x"],
        markersize=4,
        label="the photo kept aside",
    )
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
    """One snapshot in two rows: original, reconstruction, error, bits; then one latent channel, its means and its scales.

    Where the model has no means and scales, their places stay empty.

    Args:
        strongest: which of the snapshot's channels, 0 for the one that takes the most bits.
        limits: upper ends of the colours by kind ("y", "scales", "bits", "error"), so that snapshots compare; see ``snapshot_limits``.
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
    """Ends of the colours that fit all snapshots of a run: the 99th percentile over them, of each quantity (1 if the model has none)."""

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
    """In which step each latent is decoded, counted from 1: [channels, side, side] for one of ``DECODING_ORDERS``.

    Sources: the wavefront of lesson 7; He et al. 2021 (checkerboard: two steps); Minnen & Singh 2020 (ten equal slices of
    channels); He et al. 2022 (ELIC: channels in groups of 16, 16, 32, 64 and the rest, each in two checkerboard steps).
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
    """How four context models decode a latent: above, one channel; below, all channels along the first row. Numbers are steps."""
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


def small_maps(
    maps: Sequence[np.ndarray | Tensor],
    titles: Sequence[str],
    kind: str,
    columns: int = 8,
    limit: float | None = None,
) -> Figure:
    """Small maps [h, w] of one quantity in rows, without axes, all with the same colours; see ``map_panel`` for ``kind`` and ``limit``."""
    arrays = [to_numpy(values) for values in maps]
    top = limit if limit is not None else max(float(np.abs(values).max()) for values in arrays) or 1.0
    rows = -(-len(arrays) // columns)
    width = 9.0 / columns
    aspect = arrays[0].shape[0] / arrays[0].shape[1]
    figsize = (9.0, rows * (width * aspect + 0.3))
    return _grid(
        arrays, titles, columns, figsize, cmap=MAPS[kind], vmin=-top if kind in SIGNED else 0.0, vmax=top
    )


def density_lines(ax: Axes, samples: Mapping[str, np.ndarray | Tensor], title: str) -> None:
    """Densities of samples, each brought to variance 1, on a logarithmic axis, over the Gaussian of variance 1 (dashed)."""
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

    With ``conditional=True`` each column is scaled to the same greatest value, and so shows how ``second`` spreads once ``first`` is known.
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


def cell_borders(symbols: np.ndarray | Tensor) -> np.ndarray:
    """Where a quantiser's cells meet: bool [h, w], true where ``symbols`` [h, w, n] change to the right or below."""
    values = to_numpy(symbols)
    borders = np.zeros(values.shape[:2], bool)
    borders[:, :-1] |= (values[:, 1:] != values[:, :-1]).any(2)
    borders[:-1] |= (values[1:] != values[:-1]).any(2)
    return borders


def quantisation_cells(
    ax: Axes,
    symbols: np.ndarray | Tensor,
    limits: tuple[float, float, float, float],
    points: np.ndarray | Tensor,
    centres: np.ndarray | Tensor,
    title: str,
) -> None:
    """The cells of a quantiser of the plane over a cloud of points [n, 2], and where each cell is reconstructed (``centres`` [m, 2]).

    ``symbols`` [h, w, n] are the whole numbers that places of a grid are rounded to, row 0 at the bottom; ``limits`` are left, right,
    bottom and top of that grid.
    """
    cloud, dots = to_numpy(points), to_numpy(centres)
    ax.scatter(*cloud.T, s=2, color=COLOURS["other"], alpha=0.35, linewidths=0, zorder=1)
    shades = np.zeros((*symbols.shape[:2], 4), np.float32)
    shades[cell_borders(symbols)] = (0.35, 0.35, 0.35, 1.0)
    ax.imshow(shades, origin="lower", extent=limits, aspect="auto", interpolation="antialiased", zorder=2)
    ax.scatter(*dots.T, s=14, color=COLOURS["z"], zorder=3)
    ax.set(xlim=limits[:2], ylim=limits[2:], xlabel="$x_1$", ylabel="$x_2$", title=title)
    ax.grid(False)


def shape_boxes(shapes: Sequence[tuple[int, int]], names: Sequence[str]) -> Figure:
    """Feature maps of a network as boxes in a row: height is the side in pixels, width the number of channels.

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


UNSEEN_LATER, UNSEEN_EARLIER, SEEN_EARLIER, SEEN_TOO_EARLY = range(4)


def sight(seen: np.ndarray | Tensor, row: int, column: int) -> np.ndarray:
    """What the output at (``row``, ``column``) sees of each position, from a map [H, W] that is not 0 where it sees something.

    In raster order: 0 a later position, not seen; 1 an earlier one, not seen; 2 an earlier one, seen; 3 its own position or a
    later one, seen, which a decoder cannot offer. Its own position counts as later.
    """
    seen = np.asarray(seen) != 0
    earlier = np.arange(seen.size).reshape(seen.shape) < row * seen.shape[1] + column
    return np.where(
        earlier, np.where(seen, SEEN_EARLIER, UNSEEN_EARLIER), np.where(seen, SEEN_TOO_EARLY, UNSEEN_LATER)
    )


def _cells(ax: Axes, colours: np.ndarray, title: str, **lines: str | float) -> None:
    """A square for each of ``colours`` [h, w, 3], thin ``lines`` between them, without ticks and frame."""
    height, width = colours.shape[:2]
    ax.imshow(colours)
    ax.hlines(np.arange(-0.5, height), -0.5, width - 0.5, **lines)
    ax.vlines(np.arange(-0.5, width), -0.5, height - 0.5, **lines)
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)


def receptive_field(ax: Axes, seen: np.ndarray | Tensor, row: int, column: int, title: str = "") -> None:
    """Draw ``sight``: blue is seen, white is earlier but not seen, grey is later; a cross marks what must not be seen.

    A frame marks the output's own position.
    """
    kinds = sight(to_numpy(seen), row, column)
    colours = np.array([to_rgb(colour) for colour in ("0.8", "white", COLOURS["y"], COLOURS["z"])])
    _cells(ax, colours[kinds], title, color="0.6", linewidth=0.5)
    rows, columns = np.nonzero(kinds == SEEN_TOO_EARLY)
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


def nested_intervals(probabilities: Sequence[float], message: Sequence[int], names: Sequence[str]) -> Figure:
    """How a range coder narrows its interval: one bar for each symbol of ``message``, each the chosen part of the bar above, enlarged.

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


def wavefront_state(times: np.ndarray, step: int) -> np.ndarray:
    """Of each position: 0 waits, 1 is coded now, 2 was coded before; ``times`` [h, w] says in which step each is coded."""
    return np.where(times < step, 2, np.where(times == step, 1, 0))


def wavefront_panel(ax: Axes, times: np.ndarray, step: int, title: str = "", numbers: bool = False) -> None:
    """A latent in the middle of decoding: blue is done, orange is decoded now, grey waits. ``numbers`` writes each one's step."""
    state = wavefront_state(times, step)
    colours = np.array([to_rgb(colour) for colour in ("0.88", COLOURS["bits"], COLOURS["y"])])
    _cells(ax, colours[state], title, color="white", linewidth=0.6)
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
    """The first bytes of a file in hexadecimal, ``columns`` to a row, its fields in turns white and blue with their names below.

    ``fields`` are (name, bytes) in order; no field may reach over the end of a row.
    """
    rows = -(-sum(length for _, length in fields) // columns)
    figure, ax = plt.subplots(figsize=(0.78 * columns, 1.05 * rows))
    place = 0
    for index, (name, length) in enumerate(fields):
        row, left = divmod(place, columns)
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
                f"{blob[place + offset]:02x}",
                ha="center",
                va="center",
                family="monospace",
            )
        ax.add_patch(
            plt.Rectangle((left, -row), length, 0.5, fill=False, edgecolor="black", linewidth=1.8, zorder=3)
        )
        ax.text(left + length / 2, -row - 0.07, name, ha="center", va="top", fontsize=9)
        place += length
    ax.set(xlim=(-0.05, columns + 0.05), ylim=(-rows + 0.5, 0.55))
    ax.axis("off")
    return figure


def numbered_grid(ax: Axes, values: np.ndarray | Tensor, title: str, limit: float = 1.0) -> None:
    """A small grid [h, w] of signed numbers, each written into its cell; colours from -``limit`` (blue) to ``limit`` (red)."""
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
