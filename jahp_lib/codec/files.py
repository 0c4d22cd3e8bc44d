"""Pictures and compressed pictures as files; what the command line calls. A result is written whole or not at
all.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tqdm.auto import tqdm

from jahp_lib.codec.codec import Codec
from jahp_lib.codec.info import read_blob
from jahp_lib.photos.colour_profiles import profile_of
from jahp_lib.photos.one_photo import (
    MAX_PIXELS,
    UPRIGHT,
    decoding,
    name_of,
    open_photo,
    opened,
    orientation,
)
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.rate_distortion import check_lmbda
from jahp_lib.refinement import Refinement
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import LMBDA_MAX, LMBDA_MIN, VariableRate

Model = LatentModel | VariableRate | Codec


@dataclass(frozen=True)
class FileReport:
    """What became of a file: its picture's size, the compressed size in bytes, and what a user should be told
    (``notes``).
    """

    width: int
    height: int
    size: int
    notes: tuple[str, ...] = ()

    @property
    def bpp(self) -> float:
        """Bits of the file for each pixel."""
        return 8 * self.size / (self.width * self.height)

    def __str__(self) -> str:
        lines = (
            f"{self.width}x{self.height} pixels, {self.size:,} bytes compressed, {self.bpp:.3f} bit/pixel",
            *self.notes,
        )
        return "\n".join(lines)


def compress_file(
    source: str | Path,
    target: str | Path,
    model: Model,
    lmbda: float | None = None,
    progress: bool = False,
    max_pixels: int | None = None,
    *,
    effort: int = 0,
    target_bytes: int | None = None,
    target_bpp: float | None = None,
    target_psnr: float | None = None,
) -> FileReport:
    """Compress the picture in ``source`` to the file ``target``.

    Args:
        source: a file, or a pipe.
        model: a model, or a ``Codec`` that is already prepared.
        lmbda, effort, target_bytes, target_bpp, target_psnr: as for ``Codec.compress``.
        progress: show a bar.
        max_pixels: a larger picture is refused before it is decoded; by default the codec's own limit.

    Raises:
        PhotoError: the source is missing, or no picture that can be read.
        ValueError: λ is not usable, or the picture too large.
        OSError: the target cannot be written.
    """
    codec = _codec(model, max_pixels)
    lmbda, lmbda_notes = served_lmbda(codec, lmbda, effort)
    image, notes = read_picture(source, codec.max_pixels)
    with _bar(progress) as tell:
        blob = codec.compress(
            image,
            lmbda,
            tell,
            effort=effort,
            target_bytes=target_bytes,
            target_bpp=target_bpp,
            target_psnr=target_psnr,
            watch=None if tell is None else tell.watch,
        )
    write_whole(target, blob)
    return FileReport(image.width, image.height, len(blob), notes + lmbda_notes)


def _codec(model: Model, max_pixels: int | None) -> Codec:
    if isinstance(model, Codec):
        return model
    return Codec(model, max_pixels=MAX_PIXELS if max_pixels is None else max_pixels)


def read_picture(source: str | Path, max_pixels: int) -> tuple[Image.Image, tuple[str, ...]]:
    """The picture in a file as upright RGB, and what was changed for that.

    Raises:
        PhotoError: the source is missing, no picture that can be read, or one of more than ``max_pixels``,
            which is not loaded.
    """
    with opened(source, max_pixels) as file:
        notes = conversions(file)  # before the pixels are loaded
        return open_photo(file), notes


def check_lmbda_range(lmbda: float) -> None:
    """Raise ``ValueError`` for a λ outside the range that models for every λ serve, or that makes no sense
    at all."""
    check_lmbda(lmbda)
    if not LMBDA_MIN <= lmbda <= LMBDA_MAX:
        raise ValueError(
            f"lmbda must lie between {LMBDA_MIN} (small file) and {LMBDA_MAX} (fine picture), not {lmbda:g}: "
            "beyond these ends nothing changes any more."
        )


def served_lmbda(model: Model, lmbda: float | None, effort: int = 0) -> tuple[float | None, tuple[str, ...]]:
    """The λ to compress with, and what to tell the user; None for a model of one λ, which has its own.

    Raises:
        ValueError: as for ``check_lmbda_range``.
    """
    if lmbda is None:
        return None, ()
    check_lmbda_range(lmbda)
    if not model.serves_every_lmbda and not effort:  # refinement weighs with it
        return None, ("These weights were trained for one λ and have no other: --lmbda changed nothing.",)
    return lmbda, ()


def decompress_file(
    source: str | Path,
    target: str | Path,
    model: Model,
    progress: bool = False,
    max_pixels: int | None = None,
) -> FileReport:
    """Decompress ``source`` to ``target``, in the format that its ending names (``.png`` keeps every pixel).

    ``max_pixels``: a file that claims to hold more is refused before it is decoded; by default the codec's
    own limit.

    Raises:
        BitstreamError: the source is missing, damaged, or was not made with these weights; the target is not
            touched.
        ValueError: the target's ending names no picture format.
        OSError: the target cannot be written.
    """
    format_name = picture_format(target)
    blob = read_blob(source)
    codec = _codec(model, max_pixels)
    with _bar(progress) as tell:
        image = codec.decompress(blob, tell)
    content = io.BytesIO()
    image.save(content, format_name)
    write_whole(target, content.getvalue())
    return FileReport(image.width, image.height, len(blob))


def picture_format(target: str | Path) -> str:
    """Pillow's name of the picture format that a file's ending stands for.

    Raises:
        ValueError: the ending names no picture format that can be written.
    """
    format_name = Image.registered_extensions().get(Path(target).suffix.lower())
    if format_name not in Image.SAVE:
        raise ValueError(
            f"{target} does not end like a picture that can be written: use .png (or .jpg, .webp, .tif, "
            ".bmp)."
        )
    return format_name


def conversions(image: Image.Image) -> tuple[str, ...]:
    """What is changed when a picture is brought to upright 8-bit sRGB: one sentence each, none for a plain
    one.

    Told before the picture is loaded, since some of it cannot be seen afterwards.

    Raises:
        PhotoError: the picture is damaged.
    """
    # 16-bit RGB is opened as RGB; what it was stands in the tiles, until the picture is loaded (getexif does
    # so)
    deep = ";16" in repr(getattr(image, "tile", "")) or image.mode.startswith("I") or image.mode == "F"
    notes = []
    if orientation(image) in UPRIGHT:
        notes.append("The picture was turned upright, as its EXIF orientation says.")
    profile_note = profile_of(image).note
    if profile_note is not None:
        notes.append(profile_note)
    if image.has_transparency_data:
        notes.append("Transparency is not kept: the picture was composited on white.")
    if image.mode == "F":
        notes.append("Floating-point values from 0 to 1 were reduced to 8 bits.")
    elif image.mode == "I":
        notes.append("Integers from 0 to 65535 were reduced to 8 bits.")
    elif deep:
        notes.append("16 bits a sample were reduced to 8.")
    if image.mode not in ("RGB", "RGBA", "RGBX", "L", "LA", "P", "PA", "1") and not image.mode.startswith(
        ("I", "F")
    ):
        notes.append(f"The picture was converted from {image.mode} to RGB.")
    with decoding(name_of(image)):  # looks for further frames
        frames = getattr(image, "n_frames", 1)
    if frames > 1:
        notes.append(f"Only the first of {frames} frames was kept.")
    return tuple(notes)


@contextmanager
def _bar(show: bool) -> Iterator[_Bars | None]:
    """A progress callback that draws one bar for each stage, or None."""
    if not show:
        yield None
        return
    bars = _Bars()
    try:
        yield bars
    finally:
        bars.close()


class _Bars:
    """A bar for each stage; that of a refinement says R and D so far."""

    def __init__(self) -> None:
        self.bars: dict[str, tqdm] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self.bars:
            self.bars[stage] = tqdm(total=total, desc=stage, leave=False, disable=None)
        bar = self.bars[stage]
        bar.total = total
        bar.update(done - bar.n)

    def watch(self, refinement: Refinement) -> None:
        """Told by a refinement how far it has come, before its bar moves."""
        bar = self.bars.get("refining")
        if bar is not None:
            bar.set_postfix_str(f"{refinement.bpp:.3f} bit/pixel, {refinement.psnr:.2f} dB", refresh=False)

    def close(self) -> None:
        for bar in self.bars.values():
            bar.close()
