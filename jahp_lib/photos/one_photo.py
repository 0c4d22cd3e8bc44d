"""One photo: opened, turned upright, brought to 8-bit RGB; as tensor and back.

Pixels travel as uint8 [3, H, W] and become floats in [0, 1] on the device (``to_float``): four times less to
move.
"""

from __future__ import annotations

import io
import stat
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

from jahp_lib.photos.colour_profiles import to_srgb

SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")  # CC0 photos inside scikit-image's wheel
MAX_PIXELS = (
    100_000_000  # more is refused unless it is asked for: a small file may claim to hold any number of pixels
)
LARGEST_STREAM = 1 << 30  # bytes that are read from a pipe, which may have no end


# how to turn a picture upright that a camera held otherwise, by EXIF orientation
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


# what Pillow's decoders raise for damaged files
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    LookupError,
    EOFError,
    struct.error,
)


class PhotoError(ValueError):
    """A picture that cannot be read, or a folder without usable ones; the message says which
    and what to do.
    """


def open_photo(
    source: str | Path | BinaryIO | Image.Image, max_pixels: int | None = MAX_PIXELS
) -> Image.Image:
    """Any picture Pillow reads, as an upright RGB image in the colours of sRGB.

    EXIF orientation is applied, and so is an embedded colour profile. Grey, palette, CMYK, Lab and 16-bit
    pictures and floats in [0, 1] are converted; transparency is composited on white.

    Args:
        source: a file, a pipe, an open file, or a picture.
        max_pixels: a file that claims to hold more is not decoded; None for no limit.

    Raises:
        PhotoError: no such file, an empty file, not an image, one cut short, one with too many pixels, or one
            whose values have no agreed range.
    """
    if isinstance(source, Image.Image):
        return _upright_rgb(source)
    with opened(source, max_pixels) as image:
        return _upright_rgb(image)


@contextmanager
def opened(source: str | Path | BinaryIO, max_pixels: int | None = MAX_PIXELS) -> Iterator[Image.Image]:
    """The picture as Pillow opens it, its pixels not loaded yet; ``open_photo`` loads them. Closed in the
    end.

    Raises:
        PhotoError: as for ``open_photo``. What goes wrong in the ``with`` block is not changed.
    """
    name = str(source) if isinstance(source, (str, Path)) else "The picture"
    with decoding(name):
        image = _open_without_pillow_s_limit(_seekable(source, name))
    with image:
        pixels = image.width * image.height
        if max_pixels is not None and pixels > max_pixels:
            raise PhotoError(
                f"{name} has {image.width}x{image.height} pixels, more than the {max_pixels:,} that are "
                "allowed here, to bound "
                "memory and time. If it is meant to be that large, raise the limit (max_pixels)."
            )
        _scale_transparent_level(image)  # before anything loads the picture
        yield image


@contextmanager
def decoding(name: str) -> Iterator[None]:
    """What Pillow raises in the ``with`` block, as a ``PhotoError`` about ``name``: only calls of Pillow
    belong in there.
    """
    try:
        yield
    except PhotoError:
        raise
    except UnidentifiedImageError as error:
        raise PhotoError(
            f"{name} is not a picture that can be read here; PNG, JPEG, WebP and TIFF can."
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} is larger than is safe to open: {error}") from error
    except PermissionError as error:
        raise PhotoError(f"{name} may not be read by you.") from error
    except DAMAGE as error:
        if isinstance(error, OSError) and error.strerror:  # the system's, not a decoder's
            raise PhotoError(f"{name} cannot be read here: {error.strerror}.") from error
        raise PhotoError(f"{name} is damaged or cut short ({error}): copy it again.") from error


def _seekable(source: str | Path | BinaryIO, name: str) -> Path | BinaryIO:
    """A file that Pillow can go to and fro in: a pipe is read to its end."""
    if not isinstance(source, (str, Path)):
        return source if source.seekable() else _whole(source, name)
    path = Path(source)
    if not path.exists():
        raise PhotoError(f"There is no file {name}.")
    if path.is_dir():
        raise PhotoError(f"{name} is a folder; name one picture in it.")
    found = path.stat()
    if stat.S_ISFIFO(found.st_mode) or stat.S_ISSOCK(found.st_mode):
        with path.open("rb") as pipe:
            return _whole(pipe, name)
    if not stat.S_ISREG(found.st_mode):
        raise PhotoError(f"{name} is a device and no picture; name a file.")
    if found.st_size == 0:
        raise PhotoError(f"{name} is empty (0 bytes): it was probably not copied completely.")
    return path


def _whole(stream: BinaryIO, name: str) -> BinaryIO:
    content = stream.read(LARGEST_STREAM + 1)
    if not content:
        raise PhotoError(f"Nothing came out of {name}: the program that writes into it probably failed.")
    if len(content) > LARGEST_STREAM:
        raise PhotoError(f"More than {LARGEST_STREAM:,} bytes come out of {name}: that is no picture.")
    return io.BytesIO(content)


_one_at_a_time = threading.Lock()


def _open_without_pillow_s_limit(source: Path | BinaryIO) -> Image.Image:
    """``Image.open`` without Pillow's limit of pixels, which is one number for the whole process and cannot
    be passed on.
    """
    with _one_at_a_time:
        theirs, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(source)
        finally:
            Image.MAX_IMAGE_PIXELS = theirs


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1, upright, where it is not said or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except DAMAGE:
        return 1


def name_of(image: Image.Image) -> str:
    """What an error calls a picture: its file's name where it has one."""
    return str(getattr(image, "filename", "") or "The picture")


def _upright_rgb(image: Image.Image) -> Image.Image:
    name = name_of(image)
    with decoding(name):
        _scale_transparent_level(image)
        image.load()
    turn = UPRIGHT.get(orientation(image))
    if turn is not None:  # ImageOps.exif_transpose rewrites EXIF data, and fails on odd tags
        image = image.transpose(turn)
        for key in ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"):
            image.info.pop(key, None)  # or it would be turned once more by the next who opens it
    image = _in_8_bits(image, name)
    try:
        rgb = to_srgb(image)
        if not image.has_transparency_data:
            return rgb
        if image.mode == "La":
            image = image.convert("LA")
        opacity = image.convert("RGBA").getchannel("A")
    except ValueError as error:
        raise PhotoError(
            f"{name} has colours of the kind {image.mode!r}, which cannot be converted: save it as RGB."
        ) from error
    white = Image.new("RGB", rgb.size, "white")
    white.paste(rgb, mask=opacity)
    return white


def _scale_transparent_level(image: Image.Image) -> None:
    """Bring the level or colour that a PNG calls transparent to the 8 bits that Pillow makes of its pixels.

    Pillow does so with the pixels alone; the level stays what it was with 2, 4 or 16 bits a sample, and would
    not be found.
    """
    level = image.info.get("transparency")
    tile = getattr(image, "tile", None)  # empty once the picture is loaded
    stored = str(tile[0][3]) if tile else ""
    if isinstance(level, int) and stored in ("L;2", "L;4"):
        image.info["transparency"] = level * (85 if stored == "L;2" else 17)
    elif isinstance(level, tuple) and stored.startswith("RGB;16"):
        image.info["transparency"] = tuple(value >> 8 for value in level)


def _in_8_bits(image: Image.Image, name: str) -> Image.Image:
    """Grey of 16 bits, of 32 bits and of floats as "L", or "LA" where one level is transparent; others as
    they are.
    """
    if not image.mode.startswith("I") and image.mode != "F":
        return image
    values = np.asarray(image, dtype=np.float64)  # Pillow would clip instead of scaling
    white = 1.0 if image.mode == "F" else 65535.0
    if not (values.min() >= 0 and values.max() <= white):  # NaN fails both
        kind = (
            "floating-point values must keep to [0, 1]"
            if image.mode == "F"
            else "32-bit integers must keep to 0 ... 65535"
        )
        raise PhotoError(f"{name} cannot be used. A picture of {kind}: save it with 8 or 16 bits.")
    grey = Image.fromarray(np.round(values * (255.0 / white)).astype(np.uint8))
    level = image.info.get("transparency")
    if isinstance(level, int):
        opacity = Image.fromarray(np.where(values == level, 0, 255).astype(np.uint8))
        grey = Image.merge("LA", (grey, opacity))
    if "icc_profile" in image.info:
        grey.info["icc_profile"] = image.info["icc_profile"]
    return grey


def to_tensor(image: Image.Image) -> Tensor:
    """Pixels of an RGB image as uint8 [3, H, W]."""
    return pil_to_tensor(image.convert("RGB"))


def to_float(pixels: Tensor) -> Tensor:
    """uint8 pixels of any shape to floats in [0, 1]."""
    return pixels.float() / 255.0


def to_image(x: Tensor) -> Image.Image:
    """A picture [3, H, W] or [1, 3, H, W], uint8 or float in [0, 1] (clipped, rounded to the nearest level),
    as PIL image.
    """
    x = x.detach().cpu().squeeze(0) if x.dim() == 4 else x.detach().cpu()
    if x.is_floating_point():
        x = (x.float().clamp(0, 1) * 255.0).round().to(torch.uint8)
    return to_pil_image(x)


def sample_photos() -> dict[str, Image.Image]:
    """Four CC0 photos by name, without a network: astronaut 512x512, chelsea 300x451, coffee 400x600, rocket
    427x640 (H x W).

    They come inside scikit-image's package; the docstring of each, ``help(skimage.data.coffee)`` say, names
    author and licence.
    """
    import skimage.data

    return {name: Image.fromarray(getattr(skimage.data, name)()) for name in SAMPLES}
