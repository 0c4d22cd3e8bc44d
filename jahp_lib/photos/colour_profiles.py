"""Colour profiles: what the numbers of a picture mean, and the same colours as sRGB.

A camera or an editor may store a picture in another colour space than sRGB, and embeds a description of it
(an ICC profile). The same three numbers are then other colours: (60, 200, 60) of Display P3 is a green that
sRGB writes (0, 205, 0). Models see numbers alone, and screens take what they give back for sRGB, so pictures
are brought to sRGB before anything else.

Source: ICC.1:2022, "Image technology colour management"; the conversion itself is LittleCMS's, through
Pillow.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

RELATIVE_COLORIMETRIC = 1
BLACK_POINT_COMPENSATION = 0x2000  # lcms2.h; black becomes black, whatever the darkest ink was
SAME = 2  # levels; profiles of sRGB by different makers differ by as much

# which kind of profile fits a picture of which mode
_SPACES = {"L": "GRAY", "CMYK": "CMYK"}


@dataclass(frozen=True)
class Reading:
    """What is to be done about a picture's profile.

    ``transform`` takes pictures of ``mode`` to sRGB, and is None where nothing is to be done; ``note`` tells
    a user what happens, and is None for sRGB and for pictures without a profile.
    """

    mode: str
    transform: ImageCms.ImageCmsTransform | None = None
    note: str | None = None


def profile_of(image: Image.Image) -> Reading:
    """What the colour profile of a picture asks for; its pixels are not looked at."""
    profile = image.info.get("icc_profile")
    mode = _without_transparency(image.mode)
    if mode == "LAB":  # says itself what its numbers mean, and Pillow converts it
        return Reading(mode)
    return _reading(profile, mode) if isinstance(profile, bytes) and profile else Reading(mode)


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture as RGB, its numbers meaning sRGB; transparency is left out.

    Raises:
        ValueError: Pillow cannot convert a picture of this mode.
    """
    reading = profile_of(image)
    if image.mode in (
        "La",
        "RGBa",
    ):  # colours multiplied with their opacity: Pillow converts these one step at a time
        image = image.convert(image.mode[:-1] + "A")
    if reading.transform is not None:
        image = reading.transform.apply(image.convert(reading.mode))
    image = image.convert("RGB")
    for key in (
        "icc_profile",
        "transparency",
    ):  # the one no longer holds, the other is composited apart from the colours
        image.info.pop(key, None)
    return image


def _without_transparency(mode: str) -> str:
    """The mode that a picture's colours are taken in: "L", "CMYK", "LAB", or else "RGB"."""
    if mode in ("LA", "La", "F") or mode.startswith("I"):
        return "L"
    return mode if mode in ("L", "CMYK", "LAB") else "L" if mode == "1" else "RGB"


@lru_cache(maxsize=32)  # the photos of one folder mostly have the same profile
def _reading(profile: bytes, mode: str) -> Reading:
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = theirs.profile.xcolor_space.strip()
        if space == "RGB" and mode == "L":
            mode = "RGB"  # a grey picture that a program saved with its profile for colours
        if space != _SPACES.get(mode, "RGB"):
            return Reading(
                mode,
                note=f"The colour profile{_name(theirs)} is for {space} pictures: it was ignored.",
            )
        transform = ImageCms.buildTransform(
            theirs,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            mode,
            "RGB",
            ImageCms.Intent(RELATIVE_COLORIMETRIC),
            BLACK_POINT_COMPENSATION,  # type: ignore[arg-type]  # ImageCms.Flags came with Pillow 10.3
        )
        if mode in ("RGB", "L") and _changes_nothing(transform, mode):
            return Reading(mode)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return Reading(
            mode, note="The colour profile is damaged and was ignored: the colours were taken for sRGB."
        )
    except ImportError:
        return Reading(
            mode, note="The colour profile was ignored: this Pillow was built without colour management."
        )
    return Reading(mode, transform, f"The colours were converted to sRGB from the profile{_name(theirs)}.")


def _name(profile: ImageCms.ImageCmsProfile) -> str:
    """A profile's own name in quotation marks, with a space before it; what a file says about itself may be
    anything.
    """
    text = "".join(c for c in profile.profile.profile_description or "" if c.isprintable()).strip()
    return f" {text[:60]!r}" if text else ""


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a profile is sRGB, whatever it calls itself: 729 colours, or all greys, come
    out as they were.
    """
    if mode == "L":
        before = np.arange(256, dtype=np.uint8)[None]
    else:
        levels = np.linspace(0, 255, 9).round().astype(np.uint8)
        before = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    after = np.asarray(transform.apply(Image.fromarray(before))).astype(np.int64)
    expected = before[..., None] if mode == "L" else before
    return bool(np.abs(after - expected).max() <= SAME)
