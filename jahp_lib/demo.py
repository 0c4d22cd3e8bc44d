"""One photo there and back: the original, the decoded file, and JPEG at the same size, side by side in one
picture."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from jahp_lib.codec.codec import Codec
from jahp_lib.codec.files import picture_format, read_picture, served_lmbda
from jahp_lib.evaluation import picture_psnr, pillow_bytes, pillow_picture
from jahp_lib.photos.one_photo import sample_photos
from jahp_lib.photos.whole_files import write_whole

USUAL_LMBDA = 0.025
PANEL_WIDTH, DOTS_PER_INCH = 4.2, 150  # of one picture in inches; of the whole
FLATTEST, TALLEST = (
    0.25,
    2.0,
)  # a panel's height by its width: the comparison stays a picture whatever the photo's shape


@dataclass(frozen=True)
class Version:
    """A photo as one codec leaves it: ``size`` of its file in bytes, ``psnr`` in dB (None for the
    original)."""

    name: str
    size: int
    psnr: float | None
    picture: Image.Image


def jpeg_of_size(image: Image.Image, size: int) -> tuple[bytes, int]:
    """The JPEG (4:2:0) with the best quality setting that takes at most ``size`` bytes, and that setting.

    If none is small enough, the smallest there is.
    """
    return _of_size("JPEG 4:2:0", image, size, 95)


def webp_of_size(image: Image.Image, size: int) -> tuple[bytes, int]:
    """The WebP, as for ``jpeg_of_size``."""
    return _of_size("WebP", image, size, 100)


def _of_size(codec: str, image: Image.Image, size: int, highest: int) -> tuple[bytes, int]:
    best, low, high = pillow_bytes(codec, image, 1), 1, highest
    while low < high:
        middle = (low + high + 1) // 2
        blob = pillow_bytes(codec, image, middle)
        if len(blob) <= size:
            best, low = blob, middle
        else:
            high = middle - 1
    return best, low


def demo(photo: str | Path | None, out: str | Path, lmbda: float | None, codec: Codec) -> str:
    """Compress a photo (by default the sample "coffee"), decode it, write the comparison to ``out``; returns
    what to print.

    Args:
        lmbda: the weight of distortion; 0.025 if not given, and without effect on a model for one λ.

    Raises:
        PhotoError: the photo cannot be read, or has more pixels than ``codec`` allows.
        ValueError: the ending of ``out`` names no picture format, or λ is not served.
        OSError: ``out`` cannot be written.
    """
    format_name = picture_format(out)
    lmbda, notes = served_lmbda(codec, lmbda)
    if codec.serves_every_lmbda and lmbda is None:
        lmbda = USUAL_LMBDA
    if photo is None:
        image = sample_photos()["coffee"]
    else:
        image, changes = read_picture(photo, codec.max_pixels)
        notes = changes + notes
    started = time.perf_counter()
    blob = codec.compress(image, lmbda=lmbda)
    middle = time.perf_counter()
    decoded = codec.decompress(blob)
    ended = time.perf_counter()
    jpeg, quality = jpeg_of_size(image, len(blob))
    jpeg_decoded = pillow_picture(jpeg)

    pixels = image.width * image.height
    setting = "" if lmbda is None else f", λ = {lmbda:g}"
    versions = [
        Version("original, uncompressed", pixels * 3, None, image),
        Version(f"this codec{setting}", len(blob), picture_psnr(image, decoded), decoded),
        Version(f"JPEG, quality {quality}", len(jpeg), picture_psnr(image, jpeg_decoded), jpeg_decoded),
    ]
    content = io.BytesIO()
    side_by_side(versions).save(content, format_name)
    write_whole(out, content.getvalue())

    lines = [
        f"{image.width}x{image.height} pixels; compressed in {middle - started:.2f} s, "
        f"decompressed in {ended - middle:.2f} s"
    ]
    for version in versions:
        quality_words = (
            ""
            if version.psnr is None
            else f"  {8 * version.size / pixels:6.3f} bit/pixel  {version.psnr:5.2f} dB PSNR"
        )
        lines.append(f"  {version.name:26} {version.size:>10,} bytes{quality_words}")
    return "\n".join([*lines, *notes, f"The pictures, side by side: {out}"])


def side_by_side(versions: Sequence[Version]) -> Image.Image:
    """The versions of one photo in a row, a title over each: at most 1,900 pixels wide and 1,350 high,
    whatever their shape."""
    width, height = versions[0].picture.size
    panel_height = PANEL_WIDTH * min(max(height / width, FLATTEST), TALLEST)
    size = (PANEL_WIDTH * len(versions), panel_height + 0.4)
    figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    for ax, version in zip(figure.subplots(1, len(versions)), versions, strict=True):
        ax.imshow(_no_larger(version.picture, round(PANEL_WIDTH * DOTS_PER_INCH * TALLEST)))
        ax.axis("off")
        db = "" if version.psnr is None else f", {version.psnr:.2f} dB"
        ax.set_title(f"{version.name}: {version.size:,} bytes{db}", fontsize=10)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _no_larger(picture: Image.Image, side: int) -> Image.Image:
    """A picture that fits into a square of ``side`` pixels, made smaller if need be: more could not be
    seen."""
    if max(picture.size) <= side:
        return picture
    smaller = picture.copy()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
    return smaller
