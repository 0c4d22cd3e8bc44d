"""Figures of the course: one look, one colour for one thing, a caption and an alternative text for each.

Colours are Okabe and Ito's, told apart by the colour-blind and by their brightness; lines differ in dash and marker as well.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from PIL import Image
from torch import Tensor

COLOURS = {
    "x": "#000000",
    "y": "#0072B2",
    "z": "#D55E00",
    "means": "#009E73",
    "scales": "#CC79A7",
    "bits": "#E69F00",
    "error": "#7F3C00",
    "other": "#56B4E9",
    "grey": "#777777",
}
# Maps that run from dark to bright print well in black and white; values with a sign get a map with a neutral middle.
MAPS = {"y": "RdBu_r", "z": "RdBu_r", "means": "RdBu_r", "scales": "viridis", "bits": "inferno", "error": "cividis"}
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


def photo_row(
    pictures: Sequence[Picture], titles: Sequence[str], height: float = 2.8, crop: tuple[int, int, int, int] | None = None
) -> Figure:
    """Pictures of one shape side by side, a title over each; ``crop`` = (top, left, height, width) cuts all alike."""
    arrays = [as_array(picture) for picture in pictures]
    if crop is not None:
        top, left, tall, wide = crop
        arrays = [array[top : top + tall, left : left + wide] for array in arrays]
    aspect = arrays[0].shape[1] / arrays[0].shape[0]
    figure, axes = plt.subplots(1, len(arrays), figsize=(height * aspect * len(arrays), height + 0.35), squeeze=False)
    for ax, array, title in zip(axes[0], arrays, titles, strict=True):
        ax.imshow(array)
        ax.set_title(title)
        ax.axis("off")
    return figure


def map_panel(
    ax: Axes, values: np.ndarray | Tensor, kind: str, title: str, limit: float | None = None, floor: float | None = None
) -> AxesImage:
    """A map [h, w] of one quantity in its colours, with a colour bar. ``kind`` is a key of ``MAPS``.

    ``limit`` fixes the upper end of the colours (both ends, for signed quantities), ``floor`` the lower end.
    """
    values = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, dtype=np.float32)
    top = float(limit if limit is not None else np.abs(values).max() or 1.0)
    low = -top if kind in SIGNED else (0.0 if floor is None else floor)
    image = ax.imshow(values, cmap=MAPS[kind], vmin=low, vmax=top)
    ax.set_title(title)
    ax.axis("off")
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)
    return image


def over_photo(ax: Axes, picture: Picture, values: np.ndarray | Tensor, kind: str, title: str) -> None:
    """A coarse map [h, w] laid over the photo it belongs to, the photo in grey below it."""
    array = as_array(picture).astype(np.float32)
    grey = array.mean(2) / (255.0 if array.max() > 1.5 else 1.0)
    height, width = grey.shape
    values = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, dtype=np.float32)
    step = int(np.ceil(height / values.shape[0]))
    fine = np.kron(values, np.ones((step, step), np.float32))[:height, :width]
    ax.imshow(grey, cmap="gray", vmin=0, vmax=1)
    image = ax.imshow(fine, cmap=MAPS[kind], alpha=0.6, vmin=0)
    ax.set_title(title)
    ax.axis("off")
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.03)


def rate_distortion_axes(ax: Axes, title: str = "") -> None:
    """Label axes as a rate-distortion plot: bit/pixel to the right, PSNR upwards."""
    ax.set_xlabel("rate (bit/pixel)")
    ax.set_ylabel("PSNR (dB)")
    ax.set_title(title)


def mask_picture(ax: Axes, mask: np.ndarray | Tensor, title: str) -> None:
    """A kernel's mask or receptive field as squares: dark where it looks, a cross at the centre."""
    values = np.asarray(mask.detach().cpu() if isinstance(mask, Tensor) else mask, dtype=np.float32)
    ax.imshow(values > 0, cmap="Blues", vmin=0, vmax=1.4)
    ax.plot(values.shape[1] // 2, values.shape[0] // 2, "x", color=COLOURS["z"], markersize=10, markeredgewidth=2.5)
    ax.set_xticks(np.arange(-0.5, values.shape[1]), [])
    ax.set_yticks(np.arange(-0.5, values.shape[0]), [])
    ax.tick_params(length=0)
    ax.set_title(title)


def error_map(original: Picture, reconstruction: Picture) -> np.ndarray:
    """Absolute error of each pixel, mean over colours, in grey levels (0 to 255): [H, W]."""
    first, second = (
        array.astype(np.float32) * (1.0 if array.dtype == np.uint8 else 255.0) for array in map(as_array, (original, reconstruction))
    )
    return np.abs(first - second).mean(2)


def log_ticks(ax: Axes, values: Sequence[float]) -> None:
    """Plain numbers at chosen places of a logarithmic x axis."""
    ax.set_xscale("log")
    ax.set_xticks(list(values), [f"{value:g}" for value in values])
    ax.minorticks_off()


def to_numpy(values: Tensor | np.ndarray) -> np.ndarray:
    """A tensor from any device as a numpy array of floats."""
    return values.detach().float().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values, dtype=np.float32)
