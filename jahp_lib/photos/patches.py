"""Many photos: random square patches of those in memory or in a folder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from jahp_lib.photos.listing import EXTENSIONS, photo_files
from jahp_lib.photos.on_demand import (
    PhotosOnDemand,
    Request,
    estimated_bytes,
    memory_for_photos,
    open_for_patches,
    random_patch,
)
from jahp_lib.photos.one_photo import PhotoError, sample_photos, to_tensor

__all__ = [
    "EXTENSIONS",
    "PhotoFolder",
    "PhotoSet",
    "Source",
    "busyness",
    "mixed",
    "photo_files",
    "random_patch",
    "sample_set",
    "stratified",
]
MOST_WORKERS = 8


class PhotoSet:
    """Random square patches of photos kept in memory as uint8.

    ``batch`` draws patches, flipped left to right half of the time. ``to(device)`` moves all photos, say to a
    GPU.

    Args:
        photos: uint8 [3, H, W] each, no side below ``patch``.
        patch: side of the patches in pixels.
        weights: how often each photo is drawn, relative to the others; all alike by default.

    Raises:
        ValueError: there is no photo, one is smaller than a patch, or ``weights`` are no shares of that many
            photos.
    """

    def __init__(self, photos: Sequence[Tensor], patch: int, weights: Sequence[float] | None = None) -> None:
        if patch < 1 or not photos or any(min(photo.shape[1:]) < patch for photo in photos):
            raise ValueError(
                f"PhotoSet needs photos with sides of at least one patch ({patch} pixels, itself at least 1)."
            )
        self.patch = patch
        self.photos = list(photos)
        self.probabilities = shares(
            [1.0] * len(self.photos) if weights is None else weights, len(self.photos)
        )

    def __len__(self) -> int:
        return len(self.photos)

    def batch(self, count: int, rng: np.random.Generator) -> Tensor:
        """``count`` random patches, uint8 [count, 3, patch, patch], on the photos' device; the same for the
        same state of ``rng``.
        """
        chosen = self._choose(count, rng)
        places = rng.random((count, 3)).tolist()
        return self._cut(
            [
                (index, top, left, flip < 0.5)
                for index, (top, left, flip) in zip(chosen.tolist(), places, strict=True)
            ]
        )

    def to(self, device: str | torch.device) -> Self:
        """Move all photos to ``device``, in place; returned for chaining."""
        self.photos = [photo.to(device) for photo in self.photos]
        return self

    def _choose(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return rng.choice(len(self), size=count, p=self.probabilities)

    def _cut(self, requests: list[Request]) -> Tensor:
        return torch.stack(
            [
                random_patch(self.photos[index], self.patch, top, left, flip)
                for index, top, left, flip in requests
            ]
        )


def shares(weights: Sequence[float], count: int) -> np.ndarray:
    """Weights of ``count`` things as parts of 1, float64 [count].

    Raises:
        ValueError: there are fewer or more weights, one is negative or not finite, or all are zero.
    """
    values = np.asarray(weights, dtype=np.float64)
    if values.shape != (count,):
        raise ValueError(f"There are {values.size} weights for {count}: there must be one for each.")
    if not (np.isfinite(values).all() and (values >= 0).all() and values.sum() > 0):
        raise ValueError("Weights must be finite numbers of at least 0, and not all of them 0.")
    return values / values.sum()


class PhotoFolder(PhotoSet):
    """A ``PhotoSet`` of all photos in a folder and its subfolders: PNG, JPEG, WebP, TIFF, BMP of any mode.

    Photos that fit into memory are decoded once. If all together do not, each is decoded when a patch of it
    is drawn: then a folder of 300,000 photos is ready in seconds, and steps take longer.

    The photos of a batch are stratified: with all photos in a row, the calm ones first, each patch of a batch
    is cut from a photo of its own ``count``-th part of the row. Each photo is as likely as without this, and
    batches differ less from each other. How calm a photo is, its pixels say (``busyness``); where they are
    not decoded, the size of its file does: detail takes bytes.

    Args:
        path: a folder.
        patch: side of the patches in pixels. Photos with a smaller side are left out.
        weights: "equal" draws each photo alike, "bytes" in proportion to its file's size (more detail, fewer
            skies).
        progress: show a bar while reading.
        memory: bytes that decoded photos may take, those of all processes of ``torchrun`` on this machine
            together; by default a quarter of the memory.
        workers: processes that decode photos when they are drawn; the patches are the same for any number. By
            default one less than there are processors, at most 8.
        files: which files of the folder to take; by default all photos in it (``photo_files``).

    Attributes:
        files: where each photo came from.
        in_memory: whether all were decoded once. The same random state gives other patches where this
            differs.
        skipped: file to reason, for files with an image's ending that could not be used. A warning names
            them.

    Raises:
        PhotoError: the folder is missing, or holds no usable photo.
        ValueError: ``patch`` is below 1, ``weights`` is another word, or ``memory`` or ``workers`` are
            negative.
    """

    def __init__(
        self,
        path: str | Path,
        patch: int = 256,
        weights: str = "equal",
        progress: bool = False,
        *,
        memory: int | None = None,
        workers: int | None = None,
        files: Sequence[Path] | None = None,
    ) -> None:
        path = Path(path)
        if patch < 1:
            raise ValueError(f"patch is a side in pixels and must be at least 1, not {patch}.")
        if weights not in ("equal", "bytes"):
            raise ValueError(f"weights must be 'equal' or 'bytes', not {weights!r}.")
        if min(memory or 0, workers or 0) < 0:
            raise ValueError(f"memory and workers must be at least 0, not {memory} and {workers}.")
        if not path.is_dir():
            raise PhotoError(f"There is no folder {path}.")
        processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # of torchrun, on this machine
        budget = (memory_for_photos() if memory is None else memory) // processes
        self.patch = patch
        self.skipped: dict[Path, str] = {}
        self._device = torch.device("cpu")
        candidates = photo_files(path) if files is None else list(files)
        photos = self._decoded(candidates, budget, progress)
        self.in_memory = photos is not None
        self._decode: PhotosOnDemand | None = None
        if photos is None:
            self.photos, self.files, self.skipped = [], candidates, {}
            self._decode = PhotosOnDemand(candidates, patch, _workers(workers, processes))
        else:
            self.photos, self.files = list(photos.values()), list(photos)
            self._warn_of_skipped(len(candidates))
        if not self.files:
            raise PhotoError(
                f"{path} holds no photo of at least {patch}x{patch} pixels ({len(candidates)} files with an "
                "image's ending were "
                "looked at). Give another folder, or a smaller patch."
            )
        sizes = [os.stat(file).st_size for file in self.files]
        self.probabilities = shares(sizes if weights == "bytes" else [1.0] * len(sizes), len(sizes))
        detail = [busyness(photo) for photo in self.photos] if self.in_memory else sizes
        self._order = np.argsort(detail, kind="stable")  # calm photos first
        edges = np.cumsum(self.probabilities[self._order])
        self._edges = edges / edges[-1]  # exactly 1 at the end, so that every place in the row has its photo

    def __len__(self) -> int:
        return len(self.files)

    def to(self, device: str | torch.device) -> Self:
        """Move all photos to ``device``, in place, or, where they are decoded when drawn, their patches from
        now on.
        """
        self._device = torch.device(device)
        return super().to(device)

    def _decoded(self, files: list[Path], budget: int, progress: bool) -> dict[Path, Tensor] | None:
        """Every usable photo by its file, or None if all together would take more than ``budget`` bytes."""
        expected, usable = estimated_bytes(files, self.patch)
        if usable and expected > budget:
            if progress:
                tqdm.write(
                    f"{len(files):,} photos would take about {expected / 2**30:,.1f} GiB of memory, more "
                    "than the "
                    f"{budget / 2**30:,.1f} that they may: each is decoded when a patch of it is drawn."
                )
            return None
        photos: dict[Path, Tensor] = {}
        taken = 0
        for file in tqdm(files, desc="reading photos", unit="photo", disable=not progress):
            try:
                photos[file] = open_for_patches(file, self.patch)
            except PhotoError as error:
                self.skipped[file] = str(error)
                continue
            taken += photos[file].numel()
            if taken > budget:
                return None
        return photos

    def _warn_of_skipped(self, looked_at: int) -> None:
        if self.skipped:
            listing = "\n  ".join(list(self.skipped.values())[:10])
            more = f"\n  and {len(self.skipped) - 10} more" if len(self.skipped) > 10 else ""
            warnings.warn(
                f"{len(self.skipped)} of {looked_at} files were left out:\n  {listing}{more}", stacklevel=3
            )

    def _choose(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return self._order[np.searchsorted(self._edges, stratified(count, rng), side="right")]

    def _cut(self, requests: list[Request]) -> Tensor:
        if self._decode is None:
            return super()._cut(requests)
        patches = self._decode(requests)
        if self._decode.skipped and not self.skipped:
            warnings.warn(
                "A photo was left out, and the next one took its place: "
                f"{next(iter(self._decode.skipped.values()))} Further "
                "ones are listed in the attribute skipped.",
                stacklevel=3,
            )
        self.skipped.update(self._decode.skipped)
        return patches.to(self._device)


def _workers(wanted: int | None, processes: int) -> int:
    """How many processes decode photos: as many as were asked for, or all processors but the
    one that trains.
    """
    if wanted is not None:
        return wanted
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(available // processes - 1, 0), MOST_WORKERS)


def stratified(count: int, rng: np.random.Generator) -> np.ndarray:
    """``count`` numbers uniform on [0, 1), one in each ``count``-th part of it, in random order, float64
    [count].

    Stratified sampling (Cochran 1977, "Sampling Techniques", ch. 5): the mean over a batch stays unbiased,
    its variance falls.
    """
    numbers = (np.arange(count) + rng.random(count)) / count
    return rng.permutation(np.minimum(numbers, np.nextafter(1.0, 0.0)))  # the sum may round up to 1


def busyness(photo: Tensor) -> float:
    """Mean absolute difference between horizontal neighbours of every fourth row of uint8 [3, H, W]: how much
    detail a photo has.
    """
    rows = photo[:, ::4].to(torch.int16)
    return float((rows[..., 1:] - rows[..., :-1]).abs().float().mean()) if rows.shape[-1] > 1 else 0.0


def sample_set(patch: int = 128) -> PhotoSet:
    """The four sample photos as a ``PhotoSet``: training without a network, and without much variety."""
    return PhotoSet([to_tensor(photo) for photo in sample_photos().values()], patch)


Source = Callable[[int, np.random.Generator], Tensor]


def mixed(sources: list[tuple[float, Source]]) -> Source:
    """Draw each patch from one of several sources, with the given weights: ``[(0.8, photos.batch), (0.2,
    leaves.batch)]``.

    Raises:
        ValueError: the weights are no shares: one is negative or not finite, or all are zero.
    """
    probabilities = shares([weight for weight, _ in sources], len(sources))

    def draw(count: int, rng: np.random.Generator) -> Tensor:
        share = rng.multinomial(count, probabilities)
        parts = [source(n, rng) for n, (_, source) in zip(share.tolist(), sources, strict=True) if n]
        return torch.cat([part.to(parts[0].device) for part in parts])

    return draw
