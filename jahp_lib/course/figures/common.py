"""What figures of several lessons share: pictures side by side, maps, captions, alternative texts."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image
from torch import Tensor

from jahp_lib.style import MAPS, SIGNED
from jahp_lib.transforms import STRIDE

Picture = Image.Image | np.ndarray | Tensor


def as_array(picture: Picture) -> np.ndarray:
    """A PIL image, a [3, H, W] or [1, 3, H, W] tensor, or an [H, W, 3] array, as ``imshow`` takes it."""
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
    """A figure as a notebook output with its alternative text, and closed: data and metadata for
    ``display(raw=True)``.

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
    """Pictures of one shape side by side, a title over each; ``crop`` = (top, left, height, width) cuts all
    alike.
    """
    arrays = [as_array(picture) for picture in pictures]
    if crop is not None:
        top, left, tall, wide = crop
        arrays = [array[top : top + tall, left : left + wide] for array in arrays]
    aspect = arrays[0].shape[1] / arrays[0].shape[0]
    return _grid(arrays, titles, len(arrays), (height * aspect * len(arrays), height + _title_height(titles)))


def photo_grid(
    pictures: Sequence[Picture], titles: Sequence[str], columns: int = 3, width: float = 9.0
) -> Figure:
    """Pictures of one shape in rows of ``columns``, a title over each; ``width`` of the whole in inches."""
    arrays = [as_array(picture) for picture in pictures]
    rows = -(-len(arrays) // columns)
    tall = width / columns * arrays[0].shape[0] / arrays[0].shape[1] + _title_height(titles)
    return _grid(arrays, titles, columns, (width, rows * tall))


def small_maps(
    maps: Sequence[np.ndarray | Tensor],
    titles: Sequence[str],
    quantity: str,
    columns: int = 8,
    limit: float | None = None,
) -> Figure:
    """Small maps [h, w] of one quantity in rows, all with the same colours; see ``map_panel``."""
    arrays = [to_numpy(values) for values in maps]
    top = limit if limit is not None else max(float(np.abs(values).max()) for values in arrays) or 1.0
    rows = -(-len(arrays) // columns)
    width = 9.0 / columns
    aspect = arrays[0].shape[0] / arrays[0].shape[1]
    figsize = (9.0, rows * (width * aspect + 0.3))
    return _grid(
        arrays,
        titles,
        columns,
        figsize,
        cmap=MAPS[quantity],
        vmin=-top if quantity in SIGNED else 0.0,
        vmax=top,
    )


def map_panel(
    ax: Axes, values: np.ndarray | Tensor, quantity: str, title: str, limit: float | None = None
) -> AxesImage:
    """A map [h, w] of one quantity in its colours, with a colour bar. ``quantity`` is a key of ``MAPS``.

    ``limit`` fixes the upper end of the colours (both ends, for signed quantities).
    """
    values = to_numpy(values)
    top = float(limit if limit is not None else np.abs(values).max() or 1.0)
    image = ax.imshow(values, cmap=MAPS[quantity], vmin=-top if quantity in SIGNED else 0.0, vmax=top)
    ax.set_title(title)
    ax.axis("off")
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)
    return image


def over_photo(
    ax: Axes,
    picture: Picture,
    values: np.ndarray | Tensor,
    quantity: str,
    title: str,
    limit: float | None = None,
) -> None:
    """A map [h, w], one value for each position of a latent (16x16 pixels), laid over its photo in grey.

    ``limit`` fixes the upper end of the colours. A model that pads its picture has positions that reach
    beyond the photo's lower or right border; they are cut off there. A model without padding covers less than
    the photo; its map lies in the middle.
    """
    grey = _grey_levels(picture).mean(2)
    values = to_numpy(values)
    height, width = grey.shape
    tall, wide = (STRIDE * positions for positions in values.shape)
    # matplotlib draws pixel 0 from -0.5 to 0.5, so the photo, and a map that begins where it begins, start at
    # -0.5
    top, left = max(height - tall, 0) / 2 - 0.5, max(width - wide, 0) / 2 - 0.5
    ax.imshow(grey, cmap="gray", vmin=0, vmax=255)
    image = ax.imshow(
        values,
        cmap=MAPS[quantity],
        alpha=0.6,
        vmin=0,
        vmax=limit,
        extent=(left, left + wide, top + tall, top),
    )
    ax.set(title=title, xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))
    ax.axis("off")
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)


def rate_distortion_axes(ax: Axes, title: str = "") -> None:
    """Label axes as a rate-distortion plot: bit/pixel to the right, PSNR upwards."""
    ax.set_xlabel("rate (bit/pixel)")
    ax.set_ylabel("PSNR (dB)")
    ax.set_title(title)


def log_ticks(ax: Axes, values: Sequence[float]) -> None:
    """Plain numbers at chosen places of a logarithmic x axis."""
    ax.set_xscale("log")
    ax.set_xticks(list(values), [f"{value:g}" for value in values])
    ax.minorticks_off()


def error_map(original: Picture, reconstruction: Picture) -> np.ndarray:
    """Absolute error of each pixel, mean over colours, in grey levels (0 to 255): [H, W]."""
    return np.abs(_grey_levels(original) - _grey_levels(reconstruction)).mean(2)


def squares(ax: Axes, colours: np.ndarray, title: str, lines: str, linewidth: float) -> None:
    """A square for each of ``colours`` [h, w, 3], thin lines of one colour between them, without a frame."""
    height, width = colours.shape[:2]
    ax.imshow(colours)
    ax.hlines(np.arange(-0.5, height), -0.5, width - 0.5, color=lines, linewidth=linewidth)
    ax.vlines(np.arange(-0.5, width), -0.5, height - 0.5, color=lines, linewidth=linewidth)
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
