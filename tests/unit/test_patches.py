"""Many photos: a folder's photos are found alike everywhere, patches are what they promise, weights are
shares."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from jahp_lib.photos.one_photo import PhotoError
from jahp_lib.photos.patches import (
    PhotoFolder,
    PhotoSet,
    busyness,
    mixed,
    random_patch,
    sample_set,
    stratified,
)


def photo(seed: int = 0, height: int = 40, width: int = 56) -> Image.Image:
    """A smooth random picture: JPEG and WebP keep it within a few levels."""
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


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
    """Breaks if endings are matched in lower case only, subfolders are left out, or other files are tried
    (that would warn)."""
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
    """Breaks if patches are resized, turned, flipped upside down, never flipped or always.

    Pixels say where they come from.
    """
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
    """Breaks if a part is left out or hit twice, numbers always sit at the same place of it, or come
    sorted."""
    rng = np.random.default_rng(0)
    numbers = np.array([stratified(8, rng) for _ in range(2000)])
    np.testing.assert_array_equal(
        np.sort((numbers * 8).astype(int), axis=1), np.tile(np.arange(8), (2000, 1))
    )
    assert abs((numbers * 8 % 1).mean() - 0.5) < 5 * 12**-0.5 / 16000**0.5
    assert abs(numbers[:, 0].mean() - 0.5) < 5 * 12**-0.5 / 2000**0.5  # the first of a batch is uniform too


@pytest.fixture
def ten_flat_photos(tmp_path: Path) -> Path:
    """Photo k has steps of k grey levels between its columns (so k is its busyness), and brightness 100 at
    its first column."""
    for k in range(10):
        columns = 100 + k * (np.arange(40) % 2)
        Image.fromarray(np.tile(columns.astype(np.uint8)[None, :, None], (40, 1, 3))).save(
            tmp_path / f"{(7 * k) % 10}.png"
        )
    return tmp_path


def busyness_of(batch: torch.Tensor) -> torch.Tensor:
    return (batch[:, 0, 0, 1].int() - batch[:, 0, 0, 0].int()).abs()


def test_a_batch_of_a_folder_takes_one_photo_of_each_part_from_calm_to_busy(ten_flat_photos: Path) -> None:
    """Breaks if batches are drawn freely (many busy photos at once), or parts are of the files' order
    instead of busyness."""
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
