"""One photo: any mode, format and colour profile comes out as upright sRGB, and bad files end
in a sentence.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import threading
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL
import pytest
import torch
from PIL import Image, ImageCms

from jahp_lib.codec.files import conversions, read_blob
from jahp_lib.photos import one_photo
from jahp_lib.photos.one_photo import (
    PhotoError,
    open_photo,
    opened,
    sample_photos,
    to_float,
    to_image,
    to_tensor,
)

# Four patches of colour, so that any turn or mirror image is told from any other.
QUADRANTS = np.zeros((16, 24, 3), np.uint8)
QUADRANTS[:8, :12], QUADRANTS[:8, 12:], QUADRANTS[8:, :12], QUADRANTS[8:, 12:] = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
)


def photo(seed: int = 0, height: int = 40, width: int = 56) -> Image.Image:
    """A smooth random picture: JPEG and WebP keep it within a few levels."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.int64)


# --- one photo: modes ---

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
ALPHA = np.tile(np.array([0, 85, 170, 255], np.uint8), (16, 4))


def on_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Compositing by its definition."""
    share = alpha[..., None] / 255.0
    return colour * share + 255.0 * (1 - share)


def three(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey[..., None], 3, axis=2).astype(np.float64)


def palette(transparency: bool) -> tuple[Image.Image, np.ndarray]:
    """A palette image of three colours, the last of them see-through if so wanted."""
    colours = np.array([[200, 10, 30], [0, 90, 250], [5, 180, 60]], np.uint8)
    indices = np.arange(256).reshape(16, 16) % 3
    image = Image.new("P", (16, 16))
    image.putpalette(colours.flatten().tolist())
    image.putdata(indices.flatten().tolist())
    expected = colours[indices].astype(np.float64)
    if transparency:
        image.info["transparency"] = 2
        expected[indices == 2] = 255
    return image, expected


def modes() -> dict[str, tuple[Image.Image, np.ndarray, str]]:
    """An image of each mode, what it must become, and a format that keeps the mode."""
    colour = np.stack((GREY, GREY[::-1], GREY.T), axis=2)
    deep = GREY.astype(np.uint16) * 257
    return {
        "RGB": (Image.fromarray(colour), colour, "PNG"),
        "L": (Image.fromarray(GREY), three(GREY), "PNG"),
        "LA": (
            Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(ALPHA)]),
            on_white(three(GREY), ALPHA),
            "PNG",
        ),
        "RGBA": (
            Image.merge("RGBA", [*Image.fromarray(colour).split(), Image.fromarray(ALPHA)]),
            on_white(colour, ALPHA),
            "PNG",
        ),
        "P": (*palette(False), "PNG"),
        "P with transparency": (*palette(True), "PNG"),
        "1": (Image.fromarray(GREY > 99), three(np.where(GREY > 99, 255, 0)), "PNG"),
        "CMYK": (
            Image.merge(
                "CMYK", [*(Image.fromarray(255 - colour[..., k]) for k in range(3)), Image.new("L", (16, 16))]
            ),
            colour,
            "TIFF",
        ),
        "YCbCr": (Image.fromarray(colour).convert("YCbCr"), colour, "TIFF"),
        "I;16": (Image.fromarray(deep), three(GREY), "PNG"),
        "I": (Image.fromarray(deep.astype(np.int32)), three(GREY), "TIFF"),
        "F": (Image.fromarray((GREY / 255.0).astype(np.float32)), three(GREY), "TIFF"),
    }


@pytest.mark.parametrize("mode", modes())
@pytest.mark.parametrize("through_a_file", [False, True])
def test_a_picture_of_any_mode_becomes_the_rgb_picture_it_shows(
    mode: str, through_a_file: bool, tmp_path: Path
) -> None:
    """Breaks if 16 bits are clipped to white, transparency becomes black, or a mode is refused. Expected
    pixels are numpy's.
    """
    if mode == "YCbCr" and through_a_file and int(PIL.__version__.split(".")[0]) < 13:
        pytest.skip("Pillow before version 13 cannot read the YCbCr TIFF that it writes")
    image, expected, form = modes()[mode]
    if through_a_file:
        image.save(tmp_path / "it", form, **({"transparency": 2} if "transparency" in mode else {}))
        result = open_photo(tmp_path / "it")
    else:
        result = open_photo(image)
    assert result.mode == "RGB"
    assert np.abs(pixels(result) - expected).max() <= (3 if mode == "YCbCr" else 1)


def test_every_sixteen_bit_value_goes_to_the_nearest_of_256_levels() -> None:
    """Breaks if 65535 does not become 255, the scale is 256 instead of 257, or values are cut to their upper
    byte.
    """
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(pixels(open_photo(Image.fromarray(deep)))[..., 0], np.rint(deep / 257))


@pytest.mark.parametrize("values", [[0.0, 300.0], [-5.0, 0.5], [np.nan, 0.5], [0.0, np.inf]], ids=str)
def test_a_float_picture_whose_range_nobody_knows_is_refused(values: list[float]) -> None:
    """Breaks if such a picture silently comes out black or white: only [0, 1] is agreed on."""
    with pytest.raises(PhotoError, match=r"\[0, 1\]"):
        open_photo(Image.fromarray(np.array([values], np.float32)))


@pytest.mark.parametrize("values", [[0, 65536], [-1, 5], [0, 2**31 - 1], [-(2**31), 0]], ids=str)
def test_a_picture_of_32_bit_integers_whose_range_nobody_knows_is_refused(
    values: list[int], tmp_path: Path
) -> None:
    """Breaks if such a picture silently comes out black or white."""
    Image.fromarray(np.array([values], np.int32)).save(tmp_path / "it.tif")
    with pytest.raises(
        PhotoError, match=r"it\.tif cannot be used\..* 0 \.\.\. 65535: save it with 8 or 16 bits\."
    ):
        open_photo(tmp_path / "it.tif")


def png(
    depth: int, colour_type: int, row: bytes, width: int, transparent: bytes = b"", height: int = 1
) -> bytes:
    """A PNG of one row, written by the standard: Pillow writes no 16-bit RGB and no grey of 2 or 4 bits."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + (chunk(b"tRNS", transparent) if transparent else b"")
    chunks += chunk(b"IDAT", zlib.compress(b"\0" + row))
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (png(16, 0, struct.pack(">2H", 300, 2000), 2, struct.pack(">H", 2000)), [[1] * 3, [255] * 3]),
        (png(4, 0, bytes([0x37]), 2, struct.pack(">H", 3)), [[255] * 3, [119] * 3]),
        (png(2, 0, bytes([0b01_10_00_00]), 2, struct.pack(">H", 2)), [[85] * 3, [255] * 3]),
        (png(8, 0, bytes([7, 9]), 2, struct.pack(">H", 9)), [[7] * 3, [255] * 3]),
        (
            png(
                16, 2, struct.pack(">6H", 300, 2000, 65535, 10000, 20000, 30000), 2,
                struct.pack(">3H", 10000, 20000, 30000),
            ),
            [[1, 7, 255], [255] * 3],
        ),
    ],
    ids=["grey 16", "grey 4", "grey 2", "grey 8", "RGB 16"],
)  # fmt: skip
def test_the_level_that_a_png_calls_transparent_is_white_whatever_its_bits(
    content: bytes, expected: list[list[int]]
) -> None:
    """Breaks if Pillow's level, which it leaves at 16, 4 or 2 bits, is looked for among 8-bit pixels."""
    with opened(io.BytesIO(content)) as image:
        assert any("composited on white" in note for note in conversions(image))
        assert pixels(open_photo(image))[0].tolist() == expected


# --- one photo: colour profiles ---


def fixed(*values: float) -> bytes:
    """Numbers as ICC's s15Fixed16."""
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def icc(space: bytes, connection: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    """An ICC profile by its specification: header, table of tags, tags."""
    name = b"made by hand\0"
    desc = b"desc" + bytes(4) + struct.pack(">I", len(name)) + name + bytes(11 + 67)
    tags = {b"desc": desc, b"wtpt": b"XYZ " + bytes(4) + fixed(0.9642, 1.0, 0.8249), **tags}
    table, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        content += bytes(-len(content) % 4)
        table += tag + struct.pack(">II", offset + len(body), len(content))
        body += content
    head = struct.pack(">I4sI4s4s4s", offset + len(body), b"test", 0x02400000, kind, space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + fixed(0.9642, 1.0, 0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def display_p3() -> bytes:
    """Display P3's primaries, adapted to D50 as profiles want them; its curve is sRGB's, here as 4,096
    points.
    """
    linear = decoded(np.arange(4096) / 4095)
    points = b"curv" + bytes(4) + struct.pack(">I", 4096) + np.round(linear * 65535).astype(">u2").tobytes()
    primaries = {b"rXYZ": (0.51512, 0.2412, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189)}
    primaries[b"bXYZ"] = (0.1571, 0.06657, 0.78407)
    tags = {name: b"XYZ " + bytes(4) + fixed(*xyz) for name, xyz in primaries.items()}
    return icc(b"RGB ", b"XYZ ", {**tags, b"rTRC": points, b"gTRC": points, b"bTRC": points})


def grey_profile() -> bytes:
    """Grey whose numbers are proportional to light."""
    return icc(b"GRAY", b"XYZ ", {b"kTRC": curve(1.0)})


def cmyk_profile() -> bytes:
    """A press whose inks are all grey: each of three halves the lightness, the fourth takes all of it."""
    corners = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(16, 4)
    lightness = np.prod(np.where(corners[:, :3] == 1, 0.5, 1.0), axis=1) * (1 - corners[:, 3])
    lab = np.stack((lightness * 0xFF00, np.full(16, 0x8000), np.full(16, 0x8000)), axis=-1)
    straight = np.array([0, 65535], ">u2").tobytes()
    table = (
        b"mft2" + bytes(4) + bytes([4, 3, 2, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + struct.pack(">HH", 2, 2)
    )
    return icc(
        b"CMYK",
        b"Lab ",
        {b"A2B0": table + 4 * straight + lab.astype(">u2").tobytes() + 3 * straight},
        b"prtr",
    )


def decoded(v: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, the curve of sRGB: numbers in [0, 1] to light."""
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


# the primaries of Display P3 in terms of those of sRGB, by CSS Color 4, section 10.9
P3_TO_SRGB = np.array(
    [[1.2249401, -0.2249402, 0.0], [-0.0420569, 1.0420571, 0.0], [-0.0196376, -0.0786361, 1.0982735]]
)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "WebP"])
def test_a_display_p3_picture_comes_out_in_the_colours_that_it_shows(form: str, tmp_path: Path) -> None:
    """Breaks if a profile is ignored: this green, (92, 202, 59) in a phone's photo, is (0,
    205, 0) in sRGB.
    """
    colours = np.array(
        [[92, 202, 59], [60, 200, 60], [200, 60, 90], [128, 128, 128], [255, 255, 255], [30, 40, 180]],
        np.uint8,
    )
    picture = np.repeat(np.repeat(colours[None], 16, axis=0), 16, axis=1)
    options = (
        {}
        if form in ("PNG", "TIFF")
        else {"lossless": True}
        if form == "WebP"
        else {"quality": 100, "subsampling": 0}
    )
    Image.fromarray(picture).save(tmp_path / "it", form, icc_profile=display_p3(), **options)
    expected = 255 * encoded(decoded(colours / 255) @ P3_TO_SRGB.T)
    assert np.abs(expected[0] - [0, 205, 0]).max() < 1.5
    with opened(tmp_path / "it") as image:
        assert "The colours were converted to sRGB from the profile 'made by hand'." in conversions(image)
        result = open_photo(image)
    assert np.abs(pixels(result)[8, 8::16] - expected).max() <= (6 if form == "JPEG" else 2)
    assert np.array_equal(pixels(open_photo(result)), pixels(result))  # not converted once more


@pytest.mark.parametrize("mode", ["RGBA", "P", "P with transparency", "L"])
def test_a_profile_of_colours_counts_in_pictures_of_other_modes(mode: str) -> None:
    """Breaks if transparency or a palette keeps the profile from being seen, or a grey picture with one is
    refused.
    """
    colour = Image.new("RGB", (4, 4), (92, 202, 59))
    image = colour.quantize(2) if mode.startswith("P") else colour.convert(mode)
    image.info["icc_profile"] = display_p3()
    expected = [0, 205, 0]
    if mode == "P with transparency":
        image.info["transparency"] = bytes([255] * 256)
    if mode == "L":
        expected = [image.getpixel((0, 0))] * 3  # grey is grey in both
    assert np.abs(pixels(open_photo(image))[0, 0] - expected).max() <= 2


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_a_grey_profile_is_followed(mode: str) -> None:
    """Breaks if a grey picture in linear light comes out far too dark: 55 of 255 of the light is level 128 of
    sRGB.
    """
    image = (
        Image.fromarray(np.full((4, 4), 55 * 257, np.uint16))
        if mode == "I;16"
        else Image.new("L", (4, 4), 55).convert(mode)
    )
    image.info["icc_profile"] = grey_profile()
    expected = 255 * encoded(np.array(55 / 255))
    assert np.abs(pixels(open_photo(image))[0, 0] - expected).max() <= 1


@pytest.mark.parametrize("form", ["TIFF", "JPEG"])
def test_a_cmyk_profile_is_followed(form: str, tmp_path: Path) -> None:
    """Breaks if inks are taken for ideal ones: this press has a grey where an ideal one has cyan."""
    Image.new("CMYK", (16, 16), (255, 0, 0, 0)).save(tmp_path / "it", form, icc_profile=cmyk_profile())
    with opened(tmp_path / "it") as image:
        assert any("from the profile" in note for note in conversions(image))
        result = pixels(open_photo(image))
    lightness_50 = 255 * encoded(np.array(((50 + 16) / 116) ** 3))  # CIE L* = 50 as light
    assert np.abs(result[8, 8] - lightness_50).max() <= 2


def test_a_lab_picture_comes_out_in_colour(tmp_path: Path) -> None:
    """Breaks if Lab is called damaged, or comes out in other colours. Red of sRGB is Lab (54.3,
    80.8, 69.9) at D50.
    """
    Image.new("LAB", (4, 4), (round(54.3 * 2.55), 128 + 81, 128 + 70)).save(tmp_path / "it.tif")
    assert np.abs(pixels(open_photo(tmp_path / "it.tif"))[0, 0] - [255, 0, 0]).max() <= 6


def test_a_profile_that_says_srgb_changes_no_pixel(tmp_path: Path) -> None:
    """Breaks if most photos of the world, which say sRGB, are converted to themselves and lose a level here
    and there.
    """
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo().save(tmp_path / "it.png", icc_profile=srgb)
    with opened(tmp_path / "it.png") as image:
        assert conversions(image) == ()
        assert np.array_equal(pixels(open_photo(image)), pixels(photo()))


@pytest.mark.parametrize(
    "damage", [b"x", bytes(500), display_p3()[:300], display_p3()[:128] + bytes(400)], ids=len
)
def test_a_damaged_profile_is_named_and_ignored(damage: bytes, tmp_path: Path) -> None:
    """Breaks if a photo is lost to its profile, or nobody is told that colours may be wrong."""
    photo().save(tmp_path / "it.png", icc_profile=damage)
    with opened(tmp_path / "it.png") as image:
        assert conversions(image) == (
            "The colour profile is damaged and was ignored: the colours were taken for sRGB.",
        )
        assert np.array_equal(pixels(open_photo(image)), pixels(photo()))


def test_a_profile_for_another_kind_of_picture_is_named_and_ignored() -> None:
    image = photo()
    image.info["icc_profile"] = cmyk_profile()
    (note,) = conversions_of(image)
    assert note == "The colour profile 'made by hand' is for CMYK pictures: it was ignored."
    assert np.array_equal(pixels(open_photo(image)), pixels(photo()))


def conversions_of(image: Image.Image) -> tuple[str, ...]:
    """What would be told of a file with this picture and its profile."""
    buffer = io.BytesIO()
    image.save(buffer, "TIFF", icc_profile=image.info["icc_profile"])
    with opened(buffer) as file:
        return conversions(file)


def test_a_picture_that_is_handed_over_keeps_its_own_profile() -> None:
    """Breaks if opening changes the caller's picture."""
    image = photo()
    image.info["icc_profile"] = display_p3()
    open_photo(image)
    assert image.info["icc_profile"] == display_p3()


# --- one photo: formats and orientation ---


@pytest.mark.parametrize(
    ("form", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("BMP", {}, 0),
        ("WebP", {"lossless": True}, 0),
        ("WebP", {"quality": 95}, 24),
        ("JPEG", {"quality": 98}, 12),
        ("JPEG", {"quality": 98, "progressive": True}, 12),
    ],
    ids=str,
)
def test_every_format_is_read_from_a_path_and_from_an_open_file(
    form: str, options: dict, tolerance: int, tmp_path: Path
) -> None:
    """Breaks if a format is not readable, or only by its file's ending (this file has none)."""
    photo().save(tmp_path / "it", form, **options)
    for source in (tmp_path / "it", str(tmp_path / "it"), io.BytesIO((tmp_path / "it").read_bytes())):
        assert np.abs(pixels(open_photo(source)) - pixels(photo())).max() <= tolerance


# What the EXIF standard says of the stored picture, undone: orientation -> upright.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP", "TIFF"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_a_photo_is_turned_upright_as_its_exif_data_say(orientation: int, form: str, tmp_path: Path) -> None:
    """Breaks if a camera's portrait photos lie on their side, or one of the eight is turned the other way;
    numpy turns on its own.
    """
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(QUADRANTS).save(
        tmp_path / "it", form, exif=exif, **({} if form in ("PNG", "TIFF") else {"quality": 95})
    )
    result = pixels(open_photo(tmp_path / "it"))
    expected = UPRIGHT[orientation](QUADRANTS).astype(np.int64)
    assert result.shape == expected.shape
    corners = [(2, 2), (2, -3), (-3, 2), (-3, -3)]
    for row, column in corners:
        assert np.abs(result[row, column] - expected[row, column]).max() < 40


# --- one photo: bad files ---


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"This is a letter.", "not a picture"),
        (bytes(5000), "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "cut short|not a picture"),
        (b"%PDF-1.4 something", "not a picture"),
    ],
)
def test_what_is_no_picture_ends_in_a_sentence_that_names_it(
    content: bytes, words: str, tmp_path: Path
) -> None:
    """Breaks if one of Pillow's many errors comes through."""
    (tmp_path / "holiday.jpg").write_bytes(content)
    with pytest.raises(PhotoError, match=words) as caught:
        open_photo(tmp_path / "holiday.jpg")
    assert "holiday.jpg" in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    """Breaks if both are called damaged."""
    with pytest.raises(PhotoError, match="There is no file"):
        open_photo(tmp_path / "none.png")
    with pytest.raises(PhotoError, match="is a folder"):
        open_photo(tmp_path)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP", "TIFF", "BMP"])
def test_a_file_cut_short_is_never_taken_for_a_photo(form: str, tmp_path: Path) -> None:
    """Breaks if the rest is filled with grey (Pillow's option for truncated images), wherever the cut is."""
    buffer = io.BytesIO()
    photo().save(buffer, form)
    content = buffer.getvalue()
    for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9):
        (tmp_path / "it").write_bytes(content[: int(share * len(content))])
        with pytest.raises(PhotoError):
            open_photo(tmp_path / "it")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP", "TIFF", "BMP"])
def test_a_damaged_file_opens_or_ends_in_a_photo_error_and_nothing_else(form: str, tmp_path: Path) -> None:
    """Breaks if a decoder's struct.error, EOFError or the like escapes. 150 files with bytes changed at
    random, EXIF data included.
    """
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    photo().save(buffer, form, **({} if form == "BMP" else {"exif": exif}))
    rng = np.random.default_rng(0)
    for trial in range(150):
        content = np.frombuffer(buffer.getvalue(), np.uint8).copy()
        places = rng.integers(0, min(len(content), 200 if trial % 2 else len(content)), rng.integers(1, 9))
        content[places] = rng.integers(0, 256, len(places))
        (tmp_path / "it").write_bytes(content.tobytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with contextlib.suppress(PhotoError):
                assert open_photo(tmp_path / "it").mode == "RGB"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP", "TIFF"])
def test_a_photo_that_was_turned_upright_is_not_turned_again(form: str, tmp_path: Path) -> None:
    """Breaks if the orientation stays with the picture: whoever opens it next turns it once more."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(QUADRANTS).save(tmp_path / "it", form, exif=exif)
    once = open_photo(tmp_path / "it")
    assert once.size == (16, 24)
    assert np.array_equal(np.asarray(open_photo(once)), np.asarray(once))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WebP"])
def test_a_photo_whose_exif_data_alone_are_damaged_still_opens(form: str, tmp_path: Path) -> None:
    """Breaks if EXIF data are rewritten to turn a picture: an oddly typed tag, and struct.error ends the
    training on its folder.
    """
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x9286] = 6, "a maker", b"ASCII\0\0\0a comment"
    rng, block = np.random.default_rng(1), np.frombuffer(exif.tobytes(), np.uint8)
    for _ in range(150):
        damaged = block.copy()
        places = rng.integers(6, len(block), rng.integers(1, 6))  # behind the word "Exif"
        damaged[places] = rng.integers(0, 256, len(places))
        photo().save(tmp_path / "it", form, exif=damaged.tobytes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert open_photo(tmp_path / "it").size in ((56, 40), (40, 56))


def test_a_photo_that_may_not_be_read_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo().save(tmp_path / "it.png")

    def refuse(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(one_photo.Image, "open", refuse)
    with pytest.raises(PhotoError, match="may not be read by you"):
        open_photo(tmp_path / "it.png")


@pytest.mark.parametrize(
    "error", [KeyError("mine"), ValueError("mine"), OSError(28, "No space left on device")], ids=repr
)
def test_what_goes_wrong_while_a_picture_is_open_is_not_called_damage(
    error: Exception, tmp_path: Path
) -> None:
    """Breaks if a bug of ours, or a full disk, ends in "copy it again"."""
    photo().save(tmp_path / "it.png")
    with pytest.raises(type(error)) as caught, opened(tmp_path / "it.png"):
        raise error
    assert caught.value is error


def test_a_bug_in_what_is_made_of_the_pixels_is_not_called_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if more than Pillow's decoders is guarded."""

    def bug(_: object) -> None:
        raise AttributeError("a bug")

    photo().save(tmp_path / "it.png")
    monkeypatch.setattr(one_photo, "to_srgb", bug)
    with pytest.raises(AttributeError, match="a bug"):
        open_photo(tmp_path / "it.png")


def test_an_error_of_the_system_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if too many open files, or a failing disk, end in "copy it again"."""
    photo().save(tmp_path / "it.png")

    def refuse(_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(one_photo.Image, "open", refuse)
    with pytest.raises(PhotoError, match=r"it\.png cannot be read here: Too many open files\.$"):
        open_photo(tmp_path / "it.png")


@pytest.mark.parametrize("form", ["TIFF", "GIF", "WebP", "PNG"])
def test_what_is_told_of_a_damaged_file_ends_in_a_photo_error_and_nothing_else(
    form: str, tmp_path: Path
) -> None:
    """Breaks if looking for further frames, which decodes, lets a decoder's error through."""
    buffer = io.BytesIO()
    photo().save(buffer, form, save_all=True, append_images=[photo(1), photo(2)])
    rng = np.random.default_rng(0)
    for _ in range(60):
        content = np.frombuffer(buffer.getvalue(), np.uint8).copy()
        places = rng.integers(0, len(content), 12)
        content[places] = rng.integers(0, 256, 12)
        (tmp_path / "it").write_bytes(content[: rng.integers(len(content) // 2, len(content))].tobytes())
        with warnings.catch_warnings(), contextlib.suppress(PhotoError):
            warnings.simplefilter("ignore")
            with opened(tmp_path / "it") as image:
                conversions(image)
                open_photo(image)


# --- one photo: large ones, and pipes ---


def test_the_limit_of_pixels_is_an_option_and_pillow_s_own_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if a picture that is meant to be large cannot be opened from a path, or Pillow's limit is
    changed for others.
    """
    photo().save(tmp_path / "it.png")  # 2,240 pixels
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for limit in (2240, None, one_photo.MAX_PIXELS):
        assert open_photo(tmp_path / "it.png", limit).size == (56, 40)
    assert Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(
        PhotoError, match=r"it\.png has 56x40 pixels, more than the 2,239 .* raise the limit"
    ) as caught:
        open_photo(tmp_path / "it.png", 2239)
    assert "(model" not in str(caught.value)  # no Python for the command line


def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """Breaks if the limit is looked at after the memory was taken; this one claims 3.6 GB, and is cut short
    after its header.
    """
    huge = png(8, 2, b"", width=30000, height=40000)
    (tmp_path / "it.png").write_bytes(huge)
    with pytest.raises(PhotoError, match="30000x40000 pixels, more than"):
        open_photo(tmp_path / "it.png")


def through_a_pipe(path: Path, content: bytes, read: Callable[[Path], object]) -> object:
    """What ``read`` makes of a pipe into which another thread writes."""
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(content,), daemon=True)
    writer.start()
    try:
        return read(path)
    finally:
        writer.join(timeout=10)


def test_a_picture_is_read_from_a_pipe(tmp_path: Path) -> None:
    """Breaks if a pipe is called empty: it has no size. As in ``jahp compress <(convert ...)``, or
    /dev/stdin.
    """
    buffer = io.BytesIO()
    photo().save(buffer, "PNG")
    image = through_a_pipe(tmp_path / "pipe", buffer.getvalue(), open_photo)
    assert isinstance(image, Image.Image)
    assert np.array_equal(pixels(image), pixels(photo()))


def test_a_picture_is_read_from_a_stream_that_cannot_go_back(tmp_path: Path) -> None:
    """Breaks if ``open_photo(sys.stdin.buffer)`` fails where Pillow seeks."""
    buffer = io.BytesIO()
    photo().save(buffer, "PNG")
    reading, writing = os.pipe()
    with open(reading, "rb") as stream:
        writer = threading.Thread(
            target=lambda: os.fdopen(writing, "wb").write(buffer.getvalue()), daemon=True
        )
        writer.start()
        assert np.array_equal(pixels(open_photo(stream)), pixels(photo()))
        writer.join(timeout=10)


def test_a_compressed_picture_is_read_from_a_pipe(tmp_path: Path) -> None:
    """Breaks if a pipe is said not to exist."""
    assert through_a_pipe(tmp_path / "pipe", b"bytes", read_blob) == b"bytes"


def test_a_pipe_into_which_nothing_was_written_and_a_device_are_told_from_empty_files(tmp_path: Path) -> None:
    """Breaks if either is said to be a file that was not copied completely."""
    with pytest.raises(PhotoError, match=r"Nothing came out of .*pipe"):
        through_a_pipe(tmp_path / "pipe", b"", open_photo)
    with pytest.raises(PhotoError, match="/dev/null is a device and no picture"):
        open_photo("/dev/null")


# --- pixels and floats ---


def test_pixels_become_floats_and_come_back_unchanged() -> None:
    """Breaks if 255 is not 1.0, or coming back truncates instead of rounding."""
    tensor = to_tensor(photo())
    assert (tensor.dtype, tensor.shape) == (torch.uint8, (3, 40, 56))
    np.testing.assert_array_equal(tensor.permute(1, 2, 0), np.asarray(photo()))
    x = to_float(tensor)
    np.testing.assert_allclose(x, tensor.numpy() / 255.0, rtol=1e-6)
    for picture in (x, x[None], tensor, x.double()):
        np.testing.assert_array_equal(np.asarray(to_image(picture)), np.asarray(photo()))


def test_values_outside_the_range_are_clipped_and_not_wrapped() -> None:
    """Breaks if a reconstruction of 1.01 turns black."""
    x = torch.tensor([-0.3, 1.2, 0.4999 / 255, 0.5001 / 255])[None, None].expand(3, 1, 4)
    assert pixels(to_image(x))[0, :, 0].tolist() == [0, 255, 0, 1]


def test_the_sample_photos_are_the_four_of_scikit_image_in_their_sizes() -> None:
    """Breaks if a photo is turned, or fetched from the network; sizes are those of scikit-image's
    documentation.
    """
    sizes = {name: image.size for name, image in sample_photos().items()}
    assert sizes == {
        "astronaut": (512, 512),
        "chelsea": (451, 300),
        "coffee": (600, 400),
        "rocket": (640, 427),
    }
    assert all(image.mode == "RGB" for image in sample_photos().values())
