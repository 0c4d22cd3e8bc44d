"""Photos: any mode and format comes out upright RGB, bad files end in a sentence, folders and dead leaves give what they promise."""

from __future__ import annotations

import contextlib
import io
import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from jahp_lib.photos import one_photo
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.one_photo import PhotoError, open_photo, sample_photos, to_float, to_image, to_tensor
from jahp_lib.photos.patches import (
    PhotoFolder,
    PhotoSet,
    busyness,
    mixed,
    random_patch,
    sample_set,
    stratified,
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


# --- one photo: modes --------------------------------------------------------------------------------------------------------

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
    """Breaks if 16 bits are clipped to white, transparency becomes black, or a mode is refused. Expected pixels are numpy's."""
    image, expected, form = modes()[mode]
    if through_a_file:
        image.save(tmp_path / "it", form, **({"transparency": 2} if "transparency" in mode else {}))
        result = open_photo(tmp_path / "it")
    else:
        result = open_photo(image)
    assert result.mode == "RGB"
    assert np.abs(pixels(result) - expected).max() <= (3 if mode == "YCbCr" else 1)


def test_every_sixteen_bit_value_goes_to_the_nearest_of_256_levels() -> None:
    """Breaks if 65535 does not become 255, the scale is 256 instead of 257, or values are cut to their upper byte."""
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    np.testing.assert_array_equal(pixels(open_photo(Image.fromarray(deep)))[..., 0], np.rint(deep / 257))


@pytest.mark.parametrize("values", [[0.0, 300.0], [-5.0, 0.5], [np.nan, 0.5], [0.0, np.inf]], ids=str)
def test_a_float_picture_whose_range_nobody_knows_is_refused(values: list[float]) -> None:
    """Breaks if such a picture silently comes out black or white: only [0, 1] is agreed on."""
    with pytest.raises(PhotoError, match=r"\[0, 1\]"):
        open_photo(Image.fromarray(np.array([values], np.float32)))


# --- one photo: formats and orientation --------------------------------------------------------------------------------------


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
    """Breaks if a camera's portrait photos lie on their side, or one of the eight is turned the other way; numpy turns on its own."""
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


# --- one photo: bad files ----------------------------------------------------------------------------------------------------


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
    """Breaks if a decoder's struct.error, EOFError or the like escapes. 150 files with bytes changed at random, EXIF data included."""
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
    """Breaks if EXIF data are rewritten to turn a picture: an oddly typed tag, and struct.error ends the training on its folder."""
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


# --- pixels and floats -------------------------------------------------------------------------------------------------------


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
    """Breaks if a photo is turned, or fetched from the network; sizes are those of scikit-image's documentation."""
    sizes = {name: image.size for name, image in sample_photos().items()}
    assert sizes == {
        "astronaut": (512, 512),
        "chelsea": (451, 300),
        "coffee": (600, 400),
        "rocket": (640, 427),
    }
    assert all(image.mode == "RGB" for image in sample_photos().values())


# --- many photos -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos of different sizes and formats, one of them in a subfolder, and a text file."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    photo(1, 40, 56).save(folder / "a.png")
    photo(2, 64, 48).save(folder / "b.JPG", "JPEG", quality=98)
    photo(3, 33, 35).save(folder / "sub" / "c.webp", lossless=True)
    (folder / "notes.txt").write_text("no photo")
    return folder


def coordinates(height: int = 48, width: int = 60) -> torch.Tensor:
    """A picture whose pixels say where they are: row, column, 0."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack((rows, columns, torch.zeros_like(rows))).to(torch.uint8)


def test_a_folder_s_photos_are_found_in_all_formats_and_subfolders(folder: Path) -> None:
    """Breaks if endings are matched in lower case only, subfolders are left out, or other files are tried (that would warn)."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photos = PhotoFolder(folder, 32)
    assert [file.name for file in photos.files] == ["a.png", "b.JPG", "c.webp"]
    assert len(photos) == 3
    assert [tuple(p.shape) for p in photos.photos] == [(3, 40, 56), (3, 64, 48), (3, 33, 35)]
    assert photos.skipped == {}


def test_bad_and_small_photos_are_left_out_with_one_warning_that_names_them(folder: Path) -> None:
    """Breaks if one bad file stops a run of days, or is left out without a word."""
    (folder / "broken.png").write_bytes((folder / "a.png").read_bytes()[:200])
    (folder / "empty.jpg").touch()
    photo(4, 20, 90).save(folder / "narrow.tiff")
    with pytest.warns(UserWarning, match="3 of 6 files were left out") as caught:
        photos = PhotoFolder(folder, 32)
    assert len(caught) == 1
    for name in ("broken.png", "empty.jpg", "narrow.tiff"):
        assert name in str(caught[0].message)
    assert {file.name for file in photos.skipped} == {"broken.png", "empty.jpg", "narrow.tiff"}
    assert [file.name for file in photos.files] == ["a.png", "b.JPG", "c.webp"]


@pytest.mark.parametrize("content", ["nothing", "text only", "too small"])
@pytest.mark.filterwarnings("ignore:.*left out")
def test_a_folder_without_a_usable_photo_is_refused_with_what_to_do(content: str, tmp_path: Path) -> None:
    """Breaks if training starts with no photos and fails later."""
    if content == "text only":
        (tmp_path / "it.txt").write_text("text")
    if content == "too small":
        photo(0, 20, 20).save(tmp_path / "it.png")
    with pytest.raises(
        PhotoError, match=r"holds no photo of at least 32x32 pixels.*another folder, or a smaller patch"
    ):
        PhotoFolder(tmp_path, 32)


def test_a_missing_folder_a_wrong_patch_and_a_wrong_word_are_refused(folder: Path) -> None:
    """Breaks if a mistake is only noticed after a thousand photos were read."""
    with pytest.raises(PhotoError, match="There is no folder"):
        PhotoFolder(folder / "none", 32)
    with pytest.raises(PhotoError, match="There is no folder"):
        PhotoFolder(folder / "a.png", 32)
    with pytest.raises(ValueError, match="patch is a side in pixels and must be at least 1, not 0"):
        PhotoFolder(folder, 0)
    with pytest.raises(ValueError, match="weights must be 'equal' or 'bytes', not 'size'"):
        PhotoFolder(folder, 32, weights="size")


def test_the_same_random_state_gives_the_same_batch_and_another_gives_another(folder: Path) -> None:
    """Breaks if patches come from a global or unseeded source: a run could not be continued."""
    photos = PhotoFolder(folder, 32)
    first, again, other = (photos.batch(8, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert (first.dtype, first.shape) == (torch.uint8, (8, 3, 32, 32))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_patches_are_contiguous_cuts_of_a_photo_and_half_of_them_are_flipped() -> None:
    """Breaks if patches are resized, turned, flipped upside down, never flipped or always. Pixels say where they come from."""
    photos = PhotoSet([coordinates()], 16)
    flips, corners = 0, set()
    for patch in photos.batch(600, np.random.default_rng(0)).long():
        flipped = bool(patch[1, 0, 0] > patch[1, 0, -1])
        flips += flipped
        patch = patch.flip(-1) if flipped else patch
        top, left = patch[0, 0, 0].item(), patch[1, 0, 0].item()
        assert torch.equal(patch, coordinates()[:, top : top + 16, left : left + 16].long())
        corners.add((top, left))
    assert 240 < flips < 360  # 5 standard deviations
    assert {top for top, _ in corners} == set(range(33))  # first and last place included
    assert {left for _, left in corners} == set(range(45))


def test_a_patch_as_large_as_the_photo_is_the_photo() -> None:
    """Breaks if the room for the corner is one too small or too large."""
    picture = coordinates(16, 16)
    assert torch.equal(random_patch(picture, 16, 0.999999, 0.999999, False), picture)
    assert torch.equal(random_patch(picture, 16, 0.0, 0.0, True), picture.flip(2))


def test_weights_by_bytes_draw_photos_in_proportion_to_their_files(folder: Path) -> None:
    """Breaks if weights are ignored or belong to other files than they were computed of."""
    photos = PhotoFolder(folder, 32, weights="bytes")
    sizes = np.array([file.stat().st_size for file in photos.files], dtype=float)
    np.testing.assert_allclose(photos.probabilities, sizes / sizes.sum())
    np.testing.assert_allclose(PhotoFolder(folder, 32).probabilities, 1 / 3)


def test_photos_are_drawn_as_often_as_their_weights_say() -> None:
    """Breaks if weights are computed but not used (binomial, 5 standard deviations)."""
    photos = PhotoSet([torch.full((3, 4, 4), k, dtype=torch.uint8) for k in range(3)], 4, weights=[1, 0, 3])
    drawn = photos.batch(1000, np.random.default_rng(0))[:, 0, 0, 0]
    counts = torch.bincount(drawn.long(), minlength=3).tolist()
    assert counts[1] == 0
    assert abs(counts[0] - 250) < 70


def test_stratified_numbers_lie_one_in_each_part_and_anywhere_within_it() -> None:
    """Breaks if a part is left out or hit twice, numbers always sit at the same place of it, or come sorted."""
    rng = np.random.default_rng(0)
    numbers = np.array([stratified(8, rng) for _ in range(2000)])
    np.testing.assert_array_equal(
        np.sort((numbers * 8).astype(int), axis=1), np.tile(np.arange(8), (2000, 1))
    )
    assert abs((numbers * 8 % 1).mean() - 0.5) < 5 * 12**-0.5 / 16000**0.5
    assert abs(numbers[:, 0].mean() - 0.5) < 5 * 12**-0.5 / 2000**0.5  # the first of a batch is uniform too


@pytest.fixture
def ten_flat_photos(tmp_path: Path) -> Path:
    """Photo k has steps of k grey levels between its columns (so k is its busyness), and brightness 100 at its first column."""
    for k in range(10):
        columns = 100 + k * (np.arange(40) % 2)
        Image.fromarray(np.tile(columns.astype(np.uint8)[None, :, None], (40, 1, 3))).save(
            tmp_path / f"{(7 * k) % 10}.png"
        )
    return tmp_path


def busyness_of(batch: torch.Tensor) -> torch.Tensor:
    return (batch[:, 0, 0, 1].int() - batch[:, 0, 0, 0].int()).abs()


def test_a_batch_of_a_folder_takes_one_photo_of_each_part_from_calm_to_busy(ten_flat_photos: Path) -> None:
    """Breaks if batches are drawn freely (many busy photos at once), or parts are of the files' order instead of busyness."""
    photos = PhotoFolder(ten_flat_photos, 32)
    rng = np.random.default_rng(0)
    drawn = torch.stack([busyness_of(photos.batch(5, rng)).sort().values for _ in range(200)])
    assert torch.equal(drawn // 2, torch.arange(5).expand(200, 5))
    counts = torch.bincount(drawn.flatten(), minlength=10)
    assert ((counts - 100).abs() < 36).all()  # binomial(200, 1/2), 5 standard deviations


def test_stratified_photos_are_as_likely_as_their_weights_say(ten_flat_photos: Path) -> None:
    """Breaks if weights get lost on the way to the stratified draw."""
    photos = PhotoFolder(ten_flat_photos, 32, weights="bytes")
    drawn = torch.cat([busyness_of(photos.batch(7, np.random.default_rng(seed))) for seed in range(600)])
    calm_first = photos.probabilities[
        [int(np.argmin([abs(b - k) for b in map(busyness, photos.photos)])) for k in range(10)]
    ]
    assert calm_first.max() > 1.05 * calm_first.min()  # else this checks nothing
    shares = torch.bincount(drawn, minlength=10).numpy() / drawn.numel()
    assert np.all(np.abs(shares - calm_first) < 5 * np.sqrt(calm_first / drawn.numel()))


@pytest.mark.parametrize("photos", [[], [torch.zeros(3, 20, 15, dtype=torch.uint8)]])
def test_a_set_without_photos_or_with_one_smaller_than_a_patch_is_refused(photos: list) -> None:
    """Breaks if cuts come out smaller than a patch and cannot be stacked."""
    with pytest.raises(ValueError, match="at least one patch"):
        PhotoSet(photos, 16)


def test_the_sample_set_gives_patches_of_the_four_photos() -> None:
    """Breaks if training without a network has nothing to train on."""
    photos = sample_set(64)
    assert len(photos) == 4
    assert photos.to("cpu") is photos
    assert photos.batch(3, np.random.default_rng(0)).shape == (3, 3, 64, 64)


def test_mixed_sources_are_drawn_in_the_given_shares() -> None:
    """Breaks if every batch comes from one source, or a batch has another size."""

    def source(value: int):
        return lambda count, rng: torch.full((count, 3, 2, 2), value, dtype=torch.uint8)

    draw, rng = mixed([(0.8, source(1)), (0.2, source(2))]), np.random.default_rng(0)
    drawn = torch.cat([draw(5, rng) for _ in range(400)])
    assert drawn.shape == (2000, 3, 2, 2)
    assert abs((drawn[:, 0, 0, 0] == 2).sum().item() - 400) < 90  # 5 standard deviations


# --- dead leaves -------------------------------------------------------------------------------------------------------------


def test_dead_leaves_are_the_same_for_the_same_random_state() -> None:
    """Breaks if another random source is used: training could not be repeated."""
    first, again, other = (dead_leaves(2, 24, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.dtype, first.shape) == (torch.uint8, (2, 3, 24, 24))
    assert first.is_contiguous()
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("size", [1, 2, 5, 48])
def test_every_pixel_is_covered_by_a_leaf(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if drawing stops too early: what is left would be whatever lay in memory, shown here by filling it in two ways."""
    results = []
    for fill in (0, 255):
        with monkeypatch.context() as patched:
            patched.setattr(np, "empty", lambda shape, dtype=float, fill=fill: np.full(shape, fill, dtype))
            results.append(dead_leaves(3, size, np.random.default_rng(4)))
    assert torch.equal(*results)


def test_dead_leaves_have_the_power_spectrum_of_natural_images() -> None:
    """Power falls as frequency to the minus 2, within 0.5, as in photos; breaks if all leaves have one size, or colours are noise."""
    pictures = dead_leaves(12, 128, np.random.default_rng(0)).double().mean(1)
    window = torch.hann_window(128, periodic=False, dtype=torch.float64)
    windowed = (pictures - pictures.mean((1, 2), keepdim=True)) * window[:, None] * window
    power = torch.fft.fft2(windowed).abs().square().mean(0).numpy()
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    edges = np.geomspace(3 / 128, 0.25, 9)
    middles, means = [], []
    for low, high in itertools.pairwise(edges):
        ring = (frequencies >= low) & (frequencies < high)
        middles.append(np.log(frequencies[ring]).mean())
        means.append(np.log(power[ring]).mean())
    slope = np.polyfit(middles, means, 1)[0]
    assert -2.5 < slope < -1.5


def test_large_leaves_lie_beside_small_ones() -> None:
    """Breaks if radii do not follow a power law: with the smallest radius raised, small detail must vanish."""

    def roughness(smallest: float) -> float:
        pictures = dead_leaves(8, 64, np.random.default_rng(0), smallest=smallest).double()
        return (pictures.diff(dim=-1).abs() > 12).double().mean().item()

    assert roughness(1.5) > 1.5 * roughness(12.0) > 0


@pytest.mark.parametrize("arguments", [(0, 8), (1, 0), (1, 8, 0.0), (1, 8, 5.0, 4.0), (1, 8, 5.0, 5.0)])
def test_dead_leaves_that_cannot_be_drawn_are_refused(arguments: tuple) -> None:
    """Breaks if drawing would never end."""
    count, size, *radii = arguments
    with pytest.raises(ValueError, match="dead_leaves needs count and size"):
        dead_leaves(count, size, np.random.default_rng(0), *radii)
