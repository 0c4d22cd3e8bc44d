"""Many photos: a folder's photos are found alike everywhere, patches are what they promise, weights are
shares.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from jahp_lib.photos.one_photo import PhotoError
from jahp_lib.photos.patches import (
    PhotoFolder,
    PhotoSet,
    busyness,
    mixed,
    photo_files,
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
    (that would warn).
    """
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
    """Breaks if patches are resized, turned, flipped upside down, never flipped or always. Pixels say where
    they come from.
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
    """Breaks if a part is left out or hit twice, numbers always sit at the same place of it,
    or come sorted.
    """
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
    its first column.
    """
    for k in range(10):
        columns = 100 + k * (np.arange(40) % 2)
        Image.fromarray(np.tile(columns.astype(np.uint8)[None, :, None], (40, 1, 3))).save(
            tmp_path / f"{(7 * k) % 10}.png"
        )
    return tmp_path


def busyness_of(batch: torch.Tensor) -> torch.Tensor:
    return (batch[:, 0, 0, 1].int() - batch[:, 0, 0, 0].int()).abs()


def test_a_batch_of_a_folder_takes_one_photo_of_each_part_from_calm_to_busy(ten_flat_photos: Path) -> None:
    """Breaks if batches are drawn freely (many busy photos at once), or parts are of the files' order instead
    of busyness.
    """
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


# --- which files are photos ---


def test_what_other_programs_leave_beside_photos_is_no_photo(tmp_path: Path) -> None:
    """Breaks if macOS's ._x.png stops a measurement, or pictures in a bin are learned from."""
    for name in (
        "a.png",
        "._a.png",
        ".hidden.jpg",
        "__MACOSX/a.png",
        ".Trashes/b.png",
        "@eaDir/c.jpg",
        "sub/d.JPEG",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        photo().save(tmp_path / name, "PNG")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert photo_files(tmp_path) == [tmp_path / "a.png", tmp_path / "sub" / "d.JPEG"]


def test_photos_behind_links_are_found_and_each_folder_once(tmp_path: Path) -> None:
    """Breaks if a folder of links holds no photo, or a link to a folder above never ends."""
    (tmp_path / "disk" / "holiday").mkdir(parents=True)
    (tmp_path / "links").mkdir()
    photo().save(tmp_path / "disk" / "holiday" / "a.png")
    photo().save(tmp_path / "disk" / "b.png")
    (tmp_path / "links" / "linked").symlink_to(tmp_path / "disk" / "holiday")
    (tmp_path / "links" / "again").symlink_to(tmp_path / "disk" / "holiday")
    (tmp_path / "links" / "c.png").symlink_to(tmp_path / "disk" / "b.png")
    (tmp_path / "disk" / "holiday" / "up").symlink_to(tmp_path)
    found = photo_files(tmp_path / "links")
    assert found[:2] == [
        tmp_path / "links" / "again" / "a.png",
        tmp_path / "links" / "again" / "up" / "disk" / "b.png",
    ]
    assert found[2:] == [tmp_path / "links" / "c.png"]
    assert len(PhotoFolder(tmp_path / "links", 32)) == 3


# --- folders larger than memory ---


def batches(photos: PhotoFolder, count: int = 5) -> list[torch.Tensor]:
    return [photos.batch(count, np.random.default_rng(seed)) for seed in range(4)]


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_photos_larger_than_memory_give_patches_of_the_same_folder_for_any_number_of_workers(
    workers: int, folder: Path
) -> None:
    """Breaks if workers choose, or their patches come back in another order. Expected are cuts of photos
    decoded here.
    """
    photos = PhotoFolder(folder, 32, memory=1000, workers=workers)
    assert (photos.in_memory, len(photos), photos.photos) == (False, 3, [])
    decoded = PhotoFolder(folder, 32, memory=10**9)
    assert decoded.in_memory
    for seed, batch in enumerate(batches(photos)):
        rng = np.random.default_rng(seed)
        chosen, places = photos._choose(5, rng), rng.random((5, 3))
        for patch, index, (top, left, flip) in zip(batch, chosen, places, strict=True):
            pixels = decoded.photos[decoded.files.index(photos.files[index])]
            assert torch.equal(patch, random_patch(pixels, 32, top, left, flip < 0.5))


def test_drawing_with_workers_leaves_the_random_numbers_of_the_training_alone(folder: Path) -> None:
    """Breaks if the loader draws its seeds from torch's generator: noise would depend on where photos lie."""
    photos = PhotoFolder(folder, 32, memory=0, workers=1)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    photos.batch(4, np.random.default_rng(0))
    assert torch.equal(torch.rand(3), expected)


def test_no_photo_of_a_folder_larger_than_memory_is_decoded_before_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if 300,000 photos are decoded, or even looked at one by one, before the first step."""
    for k in range(200):
        photo(k, 40, 40).save(tmp_path / f"{k}.png")
    decoded, seen = [], []
    original_load, original_open = PngImageFile.load, Image.open
    monkeypatch.setattr(PngImageFile, "load", lambda image: decoded.append(1) or original_load(image))
    monkeypatch.setattr(Image, "open", lambda source: seen.append(1) or original_open(source))
    photos = PhotoFolder(tmp_path, 32, memory=100_000, workers=0)
    assert not photos.in_memory
    assert decoded == []
    assert 0 < len(seen) <= 64
    photos.batch(4, np.random.default_rng(0))
    assert len(seen) <= 64 + 4


def test_the_row_of_a_folder_larger_than_memory_goes_by_the_sizes_of_its_files(tmp_path: Path) -> None:
    """Breaks if batches are not stratified where photos are not decoded: a flat picture has a small file."""
    rng = np.random.default_rng(0)
    for k in range(10):
        noise = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
        noise[: 4 * (9 - k)] = 20 * k
        noise[..., 0] = 20 * k  # says which
        Image.fromarray(noise).save(tmp_path / f"{(7 * k) % 10}.png")
    photos = PhotoFolder(tmp_path, 32, memory=0, workers=0)
    for seed in range(20):
        drawn = photos.batch(5, np.random.default_rng(seed))[:, 0, 0, 0] // 20
        assert torch.equal(drawn.sort().values // 2, torch.arange(5))


def test_the_processes_of_torchrun_share_the_memory_for_photos(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if each of four processes takes a quarter of the memory for its own copy of all photos."""
    needed = sum(pixels.numel() for pixels in PhotoFolder(folder, 32).photos)
    assert PhotoFolder(folder, 32, memory=needed).in_memory
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert not PhotoFolder(folder, 32, memory=needed, workers=0).in_memory
    assert PhotoFolder(folder, 32, memory=4 * needed).in_memory


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_photo_of_a_folder_larger_than_memory_gives_its_place_to_the_next(
    workers: int, folder: Path
) -> None:
    """Breaks if one bad file stops a run of days, or is left out without a word."""
    (folder / "aa.png").write_bytes((folder / "a.png").read_bytes()[:200])
    photo(4, 20, 90).save(folder / "bb.tiff")
    photos = PhotoFolder(folder, 32, memory=0, workers=workers)
    with pytest.warns(
        UserWarning, match=r"A photo was left out, and the next one took its place: .*(aa\.png|bb\.tiff)"
    ):
        first = photos.batch(16, np.random.default_rng(0))
    assert first.shape == (16, 3, 32, 32)
    assert {file.name for file in photos.skipped} == {"aa.png", "bb.tiff"}
    assert torch.equal(photos.batch(16, np.random.default_rng(0)), first)


@pytest.mark.filterwarnings("ignore:.*left out")
def test_a_folder_without_a_usable_photo_is_refused_whatever_the_memory(tmp_path: Path) -> None:
    for k in range(100):
        photo(k, 20, 20).save(tmp_path / f"{k}.png")
    with pytest.raises(PhotoError, match="holds no photo of at least 32x32 pixels"):
        PhotoFolder(tmp_path, 32, memory=0)


@pytest.mark.parametrize("options", [{"memory": -1}, {"workers": -1}])
def test_less_than_no_memory_and_fewer_than_no_workers_are_refused(options: dict, folder: Path) -> None:
    with pytest.raises(ValueError, match="memory and workers must be at least 0"):
        PhotoFolder(folder, 32, **options)


# --- weights ---


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([0, 0], "not all of them 0"),
        ([1, -1], "finite numbers of at least 0"),
        ([1, float("nan")], "finite numbers"),
        ([1, float("inf")], "finite numbers"),
        ([1], "1 weights for 2"),
        ([1, 1, 1], "3 weights for 2"),
    ],
    ids=str,
)
def test_weights_that_are_no_shares_are_refused(weights: list[float], words: str) -> None:
    """Breaks if they end in NaN probabilities, in a batch of one photo, or in numpy's error at the first
    step.
    """
    with pytest.raises(ValueError, match=words):
        PhotoSet([coordinates(), coordinates()], 16, weights)
    if len(weights) == 2:
        with pytest.raises(ValueError, match=words):
            mixed([(weight, sample_set(16).batch) for weight in weights])


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
