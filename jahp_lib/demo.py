"""One photo there and back: the original, the decoded file, and JPEG at the same size, side by side in one picture."""

from __future__ import annotations

import io
import time
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from PIL import Image
from torch import nn

from jahp_lib.checkpoints import write_whole
from jahp_lib.codec import Codec
from jahp_lib.data import open_photo, sample_photos
from jahp_lib.evaluation import picture_psnr
from jahp_lib.plots import STYLE, as_array


def jpeg_of_size(image: Image.Image, size: int) -> tuple[bytes, int]:
    """The JPEG (4:2:0) with the best quality setting that takes at most ``size`` bytes, or the smallest there is; and the setting."""
    return _of_size(image, size, 95, format="JPEG", subsampling="4:2:0", optimize=True)


def webp_of_size(image: Image.Image, size: int) -> tuple[bytes, int]:
    """The WebP, as for ``jpeg_of_size``."""
    return _of_size(image, size, 100, format="WEBP", method=6)


def _of_size(image: Image.Image, size: int, highest: int, **options: object) -> tuple[bytes, int]:
    def at(quality: int) -> bytes:
        buffer = io.BytesIO()
        image.save(buffer, quality=quality, **options)
        return buffer.getvalue()

    low, high = 1, highest
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(at(middle)) <= size else (low, middle - 1)
    return at(low), low


def demo(photo: str | None, out: str, lmbda: float, model: nn.Module) -> str:
    """Compress a photo (by default the sample "coffee"), decode it, write the comparison to ``out``; returns what to print.

    Raises:
        PhotoError: the photo cannot be read.
        OSError: ``out`` cannot be written.
    """
    image = open_photo(photo) if photo else sample_photos()["coffee"]
    codec = Codec(model)
    started = time.perf_counter()
    blob = codec.compress(image, lmbda=lmbda)
    middle = time.perf_counter()
    decoded = codec.decompress(blob)
    ended = time.perf_counter()
    jpeg, quality = jpeg_of_size(image, len(blob))
    jpeg_decoded = open_photo(io.BytesIO(jpeg))

    pixels = image.width * image.height
    rows = [
        ("original, uncompressed", pixels * 3, None, image),
        (f"this codec, λ = {lmbda:g}", len(blob), picture_psnr(image, decoded), decoded),
        (f"JPEG, quality {quality}", len(jpeg), picture_psnr(image, jpeg_decoded), jpeg_decoded),
    ]
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        width = 4.2
        figure = Figure(figsize=(width * 3, width * image.height / image.width + 0.5), dpi=150)
        for ax, (name, size, quality_db, picture) in zip(figure.subplots(1, 3), rows, strict=True):
            ax.imshow(as_array(picture))
            ax.set_title(f"{name}: {size:,} bytes" + ("" if quality_db is None else f", {quality_db:.2f} dB"))
            ax.axis("off")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    write_whole(Path(out), buffer.getvalue())

    lines = [f"{image.width}x{image.height} pixels; compressed in {middle - started:.2f} s, decompressed in {ended - middle:.2f} s"]
    for name, size, quality_db, _ in rows:
        figures = "" if quality_db is None else f"  {8 * size / pixels:6.3f} bit/pixel  {quality_db:5.2f} dB PSNR"
        lines.append(f"  {name:26} {size:>10,} bytes{figures}")
    return "\n".join([*lines, f"The pictures, side by side: {out}"])
