"""Pictures and compressed pictures as files; what the command line calls. A result is written whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tqdm.auto import tqdm

from jahp_lib.codec.codec import Codec
from jahp_lib.codec.container import HEADER, BitstreamError, unpack
from jahp_lib.photos.one_photo import UPRIGHT, open_photo, opened, orientation
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.refinement import Refinement
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

LARGEST_FILE = 1 << 29  # bytes; more than any picture of MAX_PIXELS takes
Model = LatentModel | VariableRate | Codec


@dataclass(frozen=True)
class FileReport:
    """What became of a file: its picture's size, the compressed size in bytes, and what a user should be told (``notes``)."""

    width: int
    height: int
    size: int
    notes: tuple[str, ...] = ()

    @property
    def bpp(self) -> float:
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
    *,
    effort: int = 0,
    target_bytes: int | None = None,
    target_bpp: float | None = None,
    target_psnr: float | None = None,
) -> FileReport:
    """Compress the picture in ``source`` to the file ``target``.

    Args:
        model: a model, or a ``Codec`` that is already prepared.
        lmbda, effort, target_bytes, target_bpp, target_psnr: as for ``Codec.compress``.
        progress: show a bar.

    Raises:
        PhotoError: the source is missing, or no picture that can be read.
        ValueError: λ is not usable, or the picture too large.
        OSError: the target cannot be written.
    """
    with opened(source) as file:
        notes = conversions(file)  # before the pixels are loaded
        image = open_photo(file)
    codec = model if isinstance(model, Codec) else Codec(model)
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
    return FileReport(image.width, image.height, len(blob), notes)


def decompress_file(
    source: str | Path, target: str | Path, model: Model, progress: bool = False
) -> FileReport:
    """Decompress ``source`` to the picture ``target``, in the format that its ending names (``.png`` keeps every pixel).

    Raises:
        BitstreamError: the source is missing, damaged, or was not made with these weights; the target is not touched.
        ValueError: the target's ending names no picture format.
        OSError: the target cannot be written.
    """
    format_name = picture_format(target)
    blob = read_blob(source)
    codec = model if isinstance(model, Codec) else Codec(model)
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
            f"{target} does not end like a picture that can be written: use .png (or .jpg, .webp, .tif, .bmp)."
        )
    return format_name


def read_blob(path: str | Path) -> bytes:
    """The bytes of a compressed picture.

    Raises:
        BitstreamError: no such file, or one larger than any compressed picture.
    """
    path = Path(path)
    if not path.is_file():
        raise BitstreamError(f"{path} is a folder." if path.is_dir() else f"There is no file {path}.")
    if path.stat().st_size > LARGEST_FILE:
        raise BitstreamError(f"{path} has {path.stat().st_size:,} bytes, more than any compressed picture.")
    return path.read_bytes()


def describe(blob: bytes) -> str:
    """What a compressed picture says about itself, without its model: a few lines of text.

    Raises:
        BitstreamError: damaged, cut short, of another version, or no compressed picture at all.
    """
    header, payload = unpack(blob)
    lines = {
        "format": f"JHP version {header.version}",
        "picture": f"{header.width}x{header.height} pixels",
        "lmbda": "not given" if header.lmbda is None else f"{header.lmbda:.4g}",
        "weights": f"fingerprint {header.fingerprint.hex()}",
        "bytes": f"{len(blob):,}: header {HEADER.size}, code {len(payload):,}",
        "rate": f"{8 * len(blob) / (header.width * header.height):.3f} bit/pixel",
        "checksum": "correct",
    }
    return "\n".join(f"{name:<10}{text}" for name, text in lines.items())


def conversions(image: Image.Image) -> tuple[str, ...]:
    """What is changed when a picture is brought to upright 8-bit RGB, told before it is loaded: one sentence each, none for a plain one."""
    # 16-bit RGB is opened as RGB; what it was stands in the tiles, until the picture is loaded (getexif does so)
    deep = ";16" in repr(image.tile) or image.mode.startswith("I") or image.mode == "F"
    notes = []
    if orientation(image) in UPRIGHT:
        notes.append("The picture was turned upright, as its EXIF orientation says.")
    if image.has_transparency_data:
        notes.append("Transparency is not kept: the picture was composited on white.")
    if deep:
        notes.append("16 bits a sample were reduced to 8.")
    if image.mode not in ("RGB", "RGBA", "RGBX", "L", "LA", "P", "PA", "1") and not image.mode.startswith(
        ("I", "F")
    ):
        notes.append(f"The picture was converted from {image.mode} to RGB.")
    if getattr(image, "n_frames", 1) > 1:
        notes.append(f"Only the first of {image.n_frames} frames was kept.")
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
            self.bars[stage] = tqdm(total=total, desc=stage, leave=False)
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
