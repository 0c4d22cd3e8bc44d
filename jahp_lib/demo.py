"""One photo there and back: the original, the decoded file, and JPEG at the same size, side by side in one picture."""

from __future__ import annotations

import io
import time
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
from PIL import Image
from torch import nn

from jahp_lib.codec import Codec
from jahp_lib.codec.files import picture_format
from jahp_lib.course.figures import photo_row
from jahp_lib.evaluation import picture_psnr, pillow_bytes
from jahp_lib.photos.one_photo import open_photo, sample_photos
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.style import STYLE


def jpeg_of_size(image: Image.Image, size: int) -> tuple[bytes, int]:
    """The JPEG (4:2:0) with the best quality setting that takes at most ``size`` bytes, or the smallest there is; and the setting."""
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


def demo(photo: str | None, out: str, lmbda: float, model: nn.Module) -> str:
    """Compress a photo (by default the sample "coffee"), decode it, write the comparison to ``out``; returns what to print.

    Raises:
        PhotoError: the photo cannot be read.
        ValueError: the ending of ``out`` names no picture format.
        OSError: ``out`` cannot be written.
    """
    format_name = picture_format(out)
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
    titles = [
        f"{name}: {size:,} bytes" + ("" if db is None else f", {db:.2f} dB") for name, size, db, _ in rows
    ]
    with matplotlib.rc_context(STYLE):
        figure = photo_row([picture for *_, picture in rows], titles, height=4.2 * image.height / image.width)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight")
        plt.close(figure)
    content = io.BytesIO()
    Image.open(buffer).convert("RGB").save(content, format_name)
    write_whole(Path(out), content.getvalue())

    lines = [
        f"{image.width}x{image.height} pixels; compressed in {middle - started:.2f} s, decompressed in {ended - middle:.2f} s"
    ]
    for name, size, quality_db, _ in rows:
        figures = (
            "" if quality_db is None else f"  {8 * size / pixels:6.3f} bit/pixel  {quality_db:5.2f} dB PSNR"
        )
        lines.append(f"  {name:26} {size:>10,} bytes{figures}")
    return "\n".join([*lines, f"The pictures, side by side: {out}"])
