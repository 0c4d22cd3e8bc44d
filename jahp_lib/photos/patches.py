"""Many photos: random square patches of those in memory or in a folder."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from jahp_lib.photos.one_photo import PhotoError, open_photo, sample_photos, to_tensor

EXTENSIONS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


class PhotoSet:
    """Random square patches of photos kept in memory as uint8.

    ``batch`` draws patches, flipped left to right half of the time. ``to(device)`` moves all photos, say to a GPU.

    Args:
        photos: uint8 [3, H, W] each, no side below ``patch``.
        patch: side of the patches in pixels.
        weights: how often each photo is drawn, relative to the others; all alike by default.
    """

    def __init__(self, photos: Sequence[Tensor], patch: int, weights: Sequence[float] | None = None) -> None:
        if patch < 1 or not photos or any(min(photo.shape[1:]) < patch for photo in photos):
            raise ValueError(
                f"PhotoSet needs photos with sides of at least one patch ({patch} pixels, itself at least 1)."
            )
        self.patch = patch
        self.photos = list(photos)
        shares = np.ones(len(self.photos)) if weights is None else np.asarray(weights, dtype=np.float64)
        self.probabilities = shares / shares.sum()

    def __len__(self) -> int:
        return len(self.photos)

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """``count`` random patches, uint8 [count, 3, patch, patch], on the photos' device; the same for the same state of ``rng``."""
        chosen = self._choose(count, rng)
        places = rng.random((count, 3)).tolist()
        return torch.stack(
            [
                random_patch(self.photos[index], self.patch, top, left, flip < 0.5)
                for index, (top, left, flip) in zip(chosen.tolist(), places, strict=True)
            ]
        )

    def to(self, device: str | torch.device) -> Self:
        """Move all photos to ``device``, in place; returned for chaining."""
        self.photos = [photo.to(device) for photo in self.photos]
        return self

    def _choose(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(len(self), size=count, p=self.probabilities)


class PhotoFolder(PhotoSet):
    """A ``PhotoSet`` of all photos in a folder and its subfolders: PNG, JPEG, WebP, TIFF, BMP of any mode, decoded once.

    The photos of a batch are stratified: with all photos in a row, the calm ones first, each patch of a batch is cut from a photo
    of its own ``count``-th part of the row. Each photo is as likely as without this, and batches differ less from each other.

    Args:
        path: a folder.
        patch: side of the patches in pixels. Photos with a smaller side are left out.
        weights: "equal" draws each photo alike, "bytes" in proportion to its file's size (more detail, fewer skies).
        progress: show a bar while reading.
        files: which files of the folder to take; by default all with an image's ending, without this course's own outputs.

    Attributes:
        files: where each photo came from.
        skipped: file to reason, for files with an image's ending that could not be used. One warning names them.

    Raises:
        PhotoError: the folder is missing, or holds no usable photo.
        ValueError: ``patch`` is below 1, or ``weights`` is another word.
    """

    def __init__(
        self,
        path: str | Path,
        patch: int = 256,
        weights: str = "equal",
        progress: bool = False,
        files: Sequence[Path] | None = None,
    ) -> None:
        path = Path(path)
        if patch < 1:
            raise ValueError(f"patch is a side in pixels and must be at least 1, not {patch}.")
        if weights not in ("equal", "bytes"):
            raise ValueError(f"weights must be 'equal' or 'bytes', not {weights!r}.")
        if not path.is_dir():
            raise PhotoError(f"There is no folder {path}.")
        candidates = photo_files(path) if files is None else list(files)
        photos: dict[Path, Tensor] = {}
        self.skipped: dict[Path, str] = {}
        for file in tqdm(candidates, desc="reading photos", unit="photo", disable=not progress):
            try:
                pixels = to_tensor(open_photo(file))
                if min(pixels.shape[1:]) < patch:
                    raise PhotoError(
                        f"{file} is {pixels.shape[2]}x{pixels.shape[1]}, smaller than a patch of {patch}."
                    )
                photos[file] = pixels
            except PhotoError as error:
                self.skipped[file] = str(error)
        if self.skipped:
            listing = "\n  ".join(list(self.skipped.values())[:10])
            more = f"\n  and {len(self.skipped) - 10} more" if len(self.skipped) > 10 else ""
            warnings.warn(
                f"{len(self.skipped)} of {len(candidates)} files were left out:\n  {listing}{more}",
                stacklevel=2,
            )
        if not photos:
            raise PhotoError(
                f"{path} holds no photo of at least {patch}x{patch} pixels ({len(candidates)} files with an image's ending were "
                "looked at). Give another folder, or a smaller patch."
            )
        self.files = list(photos)
        sizes = [file.stat().st_size for file in self.files] if weights == "bytes" else None
        super().__init__(list(photos.values()), patch, sizes)
        self._order = np.argsort(
            [busyness(photo) for photo in self.photos], kind="stable"
        )  # calm photos first
        edges = np.cumsum(self.probabilities[self._order])
        self._edges = edges / edges[-1]  # exactly 1 at the end, so that every place in the row has its photo

    def _choose(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return self._order[np.searchsorted(self._edges, stratified(count, rng), side="right")]


def photo_files(folder: Path) -> list[Path]:
    """All files in a folder and its subfolders that have an image's ending, sorted, without this course's own outputs."""
    files = (file for file in folder.rglob("*") if file.suffix.lower() in EXTENSIONS and file.is_file())
    return sorted(file for file in files if not is_own_output(file))


def is_own_output(file: Path) -> bool:
    """Whether a picture is no photo but a result of this course: a decoded one, or the curves of an evaluation.

    ``curves.png`` is one where the measurements that it shows lie beside it.
    """
    if file.name == "curves.png":
        return all((file.parent / name).is_file() for name in ("measurements.csv", "results.json"))
    return file.name.endswith(".decoded.png")


def stratified(count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` numbers uniform on [0, 1), one in each ``count``-th part of it, in random order, float64 [count].

    Stratified sampling (Cochran 1977, "Sampling Techniques", ch. 5): the mean over a batch stays unbiased, its variance falls.
    """
    numbers = (np.arange(count) + rng.random(count)) / count
    return rng.permutation(np.minimum(numbers, np.nextafter(1.0, 0.0)))  # the sum may round up to 1


def busyness(photo: Tensor) -> float:
    """Mean absolute difference between horizontal neighbours of every fourth row of uint8 [3, H, W]: how much detail a photo has."""
    rows = photo[:, ::4].to(torch.int16)
    return float((rows[..., 1:] - rows[..., :-1]).abs().float().mean()) if rows.shape[-1] > 1 else 0.0


def random_patch(photo: Tensor, patch: int, top: float, left: float, flip: bool) -> Tensor:
    """The patch of [3, H, W] whose corner lies at the fractions ``top`` and ``left`` (in [0, 1)) of the room there is."""
    height, width = photo.shape[-2:]
    row, column = int(top * (height - patch + 1)), int(left * (width - patch + 1))
    cut = photo[:, row : row + patch, column : column + patch]
    return cut.flip(-1) if flip else cut


def sample_set(patch: int = 128) -> PhotoSet:
    """The four sample photos as a ``PhotoSet``: training without a network, and without much variety."""
    return PhotoSet([to_tensor(photo) for photo in sample_photos().values()], patch)


Source = Callable[[int, np.random.Generator], Tensor]


def mixed(sources: list[tuple[float, Source]]) -> Source:
    """Draw each patch from one of several sources, with the given weights: ``[(0.8, photos.batch), (0.2, leaves.batch)]``."""
    weights = np.array([weight for weight, _ in sources])

    def draw(count: int, rng: np.random.Generator) -> Tensor:
        share = rng.multinomial(count, weights / weights.sum())
        parts = [source(n, rng) for n, (_, source) in zip(share.tolist(), sources, strict=True) if n]
        return torch.cat([part.to(parts[0].device) for part in parts])

    return draw
