"""One photo: opened, turned upright, brought to 8-bit RGB; as tensor and back.

Pixels travel as uint8 [3, H, W] and become floats in [0, 1] on the device (``to_float``): four times less to move.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor, to_pil_image

SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")  # CC0 photos inside scikit-image's wheel


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
    """A picture that cannot be read, or a folder without usable ones; the message says which and what to do."""


def open_photo(source: str | Path | BinaryIO | Image.Image) -> Image.Image:
    """Any picture Pillow reads, as an upright RGB image.

    EXIF orientation is applied. Grey, palette, CMYK and 16-bit pictures and floats in [0, 1] are converted; transparency is
    composited on white.

    Raises:
        PhotoError: no such file, an empty file, not an image, one cut short, or one whose values have no agreed range.
    """
    if isinstance(source, Image.Image):
        return _upright_rgb(source)
    with opened(source) as image:
        image.load()
        return _upright_rgb(image)


@contextmanager
def opened(source: str | Path | BinaryIO) -> Iterator[Image.Image]:
    """The picture as Pillow opens it, its pixels not loaded yet; what goes wrong until it is closed ends in a ``PhotoError``.

    Raises:
        PhotoError: as for ``open_photo``.
    """
    name = str(source) if isinstance(source, (str, Path)) else "The picture"
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.exists():
            raise PhotoError(f"There is no file {name}.")
        if path.is_dir():
            raise PhotoError(f"{name} is a folder; name one picture in it.")
        if path.stat().st_size == 0:
            raise PhotoError(f"{name} is empty (0 bytes): it was probably not copied completely.")
    try:
        with Image.open(source) as image:
            yield image
    except PhotoError as error:
        raise PhotoError(f"{name} cannot be used. {error}") from error
    except UnidentifiedImageError as error:
        raise PhotoError(
            f"{name} is not a picture that can be read here; PNG, JPEG, WebP and TIFF can."
        ) from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} is larger than is safe to open: {error}") from error
    except PermissionError as error:
        raise PhotoError(f"{name} may not be read by you.") from error
    except DAMAGE as error:
        raise PhotoError(f"{name} is damaged or cut short ({error}): copy it again.") from error


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1, upright, where it is not said or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except DAMAGE:
        return 1


def _upright_rgb(image: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(orientation(image))
    if turn is not None:  # ImageOps.exif_transpose rewrites EXIF data, and fails on odd tags
        image = image.transpose(turn)
        for key in ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"):
            image.info.pop(key, None)  # or it would be turned once more by the next who opens it
    if image.mode.startswith("I;16") or image.mode in (
        "I",
        "F",
    ):  # 16-bit grey and floats; Pillow would clip instead of scaling
        values = np.asarray(image, dtype=np.float64)
        if image.mode == "F" and not (values.min() >= 0 and values.max() <= 1):  # NaN fails both
            raise PhotoError(
                "A picture of floating-point values must keep to [0, 1]: save it with 8 or 16 bits."
            )
        white = 1.0 if image.mode == "F" else 65535.0
        image = Image.fromarray(np.clip(np.round(values * (255.0 / white)), 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def to_tensor(image: Image.Image) -> Tensor:
    """Pixels of an RGB image as uint8 [3, H, W]."""
    return pil_to_tensor(image.convert("RGB"))


def to_float(pixels: Tensor) -> Tensor:
    """uint8 pixels of any shape to floats in [0, 1]."""
    return pixels.float() / 255.0


def to_image(x: Tensor) -> Image.Image:
    """A picture [3, H, W] or [1, 3, H, W], uint8 or float in [0, 1] (clipped, rounded to the nearest level), as PIL image."""
    x = x.detach().cpu().squeeze(0) if x.dim() == 4 else x.detach().cpu()
    if x.is_floating_point():
        x = (x.float().clamp(0, 1) * 255.0).round().to(torch.uint8)
    return to_pil_image(x)


def sample_photos() -> dict[str, Image.Image]:
    """Four CC0 photos by name, without a network: astronaut 512x512, chelsea 300x451, coffee 400x600, rocket 427x640 (H x W).

    They come inside scikit-image's package; the docstring of each, ``help(skimage.data.coffee)`` say, names author and licence.
    """
    import skimage.data

    return {name: Image.fromarray(getattr(skimage.data, name)()) for name in SAMPLES}
