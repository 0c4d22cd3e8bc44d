"""No lesson. Photos decoded when they are drawn, by worker processes: for folders that are larger than
memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from jahp_lib.photos.one_photo import PhotoError, open_photo, opened, to_tensor

Request = tuple[
    int, float, float, bool
]  # which photo, where in it (fractions of the room there is), mirrored or not

LOOKED_AT = 64  # photos whose sizes are read before it is decided where all go
UNUSABLE_IN_A_ROW = 1000
SUPPOSED_MEMORY = 8 << 30  # bytes, where a system does not say


def random_patch(photo: Tensor, patch: int, top: float, left: float, flip: bool) -> Tensor:
    """The patch of [3, H, W] whose corner lies at the fractions ``top`` and ``left`` (in [0, 1)) of the room
    there is.
    """
    height, width = photo.shape[-2:]
    row, column = int(top * (height - patch + 1)), int(left * (width - patch + 1))
    cut = photo[:, row : row + patch, column : column + patch]
    return cut.flip(-1) if flip else cut


def open_for_patches(file: Path, patch: int) -> Tensor:
    """The pixels of a photo, uint8 [3, H, W].

    Raises:
        PhotoError: it cannot be read, or a side is below ``patch``.
    """
    pixels = to_tensor(open_photo(file))
    _check_sides(file, pixels.shape[2], pixels.shape[1], patch)
    return pixels


def _check_sides(file: Path, width: int, height: int, patch: int) -> None:
    if min(width, height) < patch:
        raise PhotoError(f"{file} is {width}x{height}, smaller than a patch of {patch}.")


def memory_for_photos() -> int:
    """How many bytes decoded photos may take if nobody says: a quarter of the memory that this process may
    use.
    """
    limits = []
    try:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        limits.append(SUPPOSED_MEMORY)
    for file in (
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ):  # of a container
        try:
            limits.append(int(Path(file).read_text()))
        except (OSError, ValueError):
            continue
    return min(limits) // 4


def estimated_bytes(files: Sequence[Path], patch: int) -> tuple[int, bool]:
    """About how many bytes all photos take decoded, and whether any of those looked at can be used.

    The sizes of up to 64 photos, spread evenly over the list, are read from the beginnings of their files; no
    photo is decoded.
    """
    chosen = files[:: max(1, -(-len(files) // LOOKED_AT))]
    total, usable = 0, False
    for file in chosen:
        try:
            with opened(file) as image:
                _check_sides(file, image.width, image.height, patch)
                total, usable = total + 3 * image.width * image.height, True
        except PhotoError:
            continue
    return total * len(files) // max(len(chosen), 1), usable


class PhotosOnDemand:
    """Patches of photos in files; called with requests, it returns uint8 [count, 3, patch, patch], the same
    for any ``workers``.

    A photo that turns out to be unusable is replaced by the next in the list, and noted in ``skipped`` (file
    to reason).

    Args:
        files: the photos.
        patch: side of the patches in pixels.
        workers: processes that decode; 0 to decode in this one. They start with the first patch and end with
            this object.

    Raises:
        PhotoError: when called, if a thousand photos in a row cannot be used.
    """

    def __init__(self, files: Sequence[Path], patch: int, workers: int) -> None:
        self.skipped: dict[Path, str] = {}
        self._requests: list[Request] = []
        # The loader takes its requests from our list, which each call fills anew; the workers stay. It would
        # draw a seed for them from torch's generator, which belongs to the training: so it gets one of its
        # own.
        self._loader: DataLoader = DataLoader(
            _Patches(files, patch),
            batch_size=None,
            sampler=self._requests,
            num_workers=workers,
            persistent_workers=workers > 0,
            collate_fn=_as_it_is,
            generator=torch.Generator(),
        )

    def __call__(self, requests: Sequence[Request]) -> Tensor:
        self._requests[:] = requests
        patches = []
        for patch, skipped in self._loader:
            self.skipped.update(skipped)
            if patch is None:
                raise PhotoError(
                    f"{UNUSABLE_IN_A_ROW} photos in a row cannot be used; the last: "
                    f"{list(skipped.values())[-1]}"
                )
            patches.append(patch)
        return torch.stack(patches)


class _Patches(Dataset):
    """Request to patch, and what had to be skipped for it; what a worker process has."""

    def __init__(self, files: Sequence[Path], patch: int) -> None:
        self.files, self.patch = files, patch

    def __getitem__(self, request: Request) -> tuple[Tensor | None, dict[Path, str]]:
        index, top, left, flip = request
        skipped: dict[Path, str] = {}
        for further in range(min(len(self.files), UNUSABLE_IN_A_ROW)):
            file = self.files[(index + further) % len(self.files)]
            try:
                photo = open_for_patches(file, self.patch)
            except PhotoError as error:
                skipped[file] = str(error)
                continue
            # a copy: the patch alone is to travel between processes, and not the photo that it is cut from
            return random_patch(photo, self.patch, top, left, flip).clone(), skipped
        return None, skipped


def _as_it_is(item: object) -> object:
    return item
