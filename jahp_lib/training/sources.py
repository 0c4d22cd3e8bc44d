"""Lesson 12. What a run learns from: photos, dead leaves or both; and the photos that are kept aside for
validation.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.patches import PhotoFolder, PhotoSet, Source, mixed, photo_files, sample_set
from jahp_lib.training.extras.validation import PATCHES, Validation
from jahp_lib.training.settings import Settings, TrainingError


@dataclass(frozen=True)
class Sources:
    """Where patches come from, as the command line says it.

    ``photos`` is a folder, None for the sample photos; ``weights`` how often each photo is drawn, "equal" or
    "bytes"; ``leaves`` the share of dead-leaves patches; ``validation`` another folder, or a share of the
    photos to keep aside, such as "0.05".

    Raises:
        ValueError: ``leaves`` is no share, or ``validation`` neither a folder nor a share.
    """

    photos: str | None = None
    weights: str = "bytes"
    leaves: float = 0.0
    validation: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.leaves <= 1:
            raise ValueError(f"--dead-leaves is a share between 0 and 1, not {self.leaves}.")
        if self.validation is None or Path(self.validation).is_dir():
            return
        if not 0 < self.share_kept_aside < 1:
            raise ValueError(
                "--validation is a folder of photos, or a share of the photos between 0 and 1, not "
                f"{self.validation!r}."
            )
        if self.photos is None:
            raise ValueError("--validation with a share needs a folder of photos to keep some of them aside.")

    @property
    def share_kept_aside(self) -> float:
        """The share of the photos that is for validation; 0 for none."""
        if self.validation is None or Path(self.validation).is_dir():
            return 0.0
        try:
            return float(self.validation)
        except ValueError:
            return -1.0

    def divided(self) -> tuple[list[Path], list[Path]]:
        """The files to train on and those to keep aside: which ones depends on their names within the folder
        alone.
        """
        folder = Path(self.photos or "")
        files = photo_files(folder)
        if not self.share_kept_aside:
            return files, []
        if len(files) < 2:
            raise TrainingError(f"{folder} holds fewer than two photos: none can be kept aside.")

        def digest(file: Path) -> bytes:
            return hashlib.sha256(file.relative_to(folder).as_posix().encode()).digest()

        count = min(max(1, round(self.share_kept_aside * len(files))), len(files) - 1)
        aside = set(sorted(files, key=digest)[:count])
        return [file for file in files if file not in aside], sorted(aside)

    def patches(self, patch: int, device: torch.device, progress: bool) -> Source:
        """What to train on."""
        sources: list[tuple[float, Source]] = []
        if self.leaves > 0:
            sources.append((self.leaves, lambda count, rng: dead_leaves(count, patch, rng)))
        if self.leaves < 1:
            if self.photos:
                files = self.divided()[0] if self.share_kept_aside else None
                photos: PhotoSet = PhotoFolder(self.photos, patch, self.weights, progress, files=files)
            else:
                photos = sample_set(patch)
            sources.append((1 - self.leaves, photos.to(device).batch))
        return sources[0][1] if len(sources) == 1 else mixed(sources)

    def kept_aside(self, settings: Settings) -> Validation | None:
        """The fixed patches of the validation set, None without one."""
        if self.validation is None:
            return None
        files = self.divided()[1] if self.share_kept_aside else None
        folder = self.photos if self.share_kept_aside else self.validation
        photos = PhotoFolder(folder or "", settings.patch, "equal", files=files)
        return Validation(photos.batch(PATCHES, np.random.default_rng(0)), settings)

    def in_words(self, start: str | None = None) -> str:
        """What a run learns from, so that it does not go on with something else: the same wherever the folder
        lies.
        """
        if self.photos is None:
            photos = "the sample photos"
        else:
            folder, checksum = Path(self.photos), 0
            files = photo_files(folder)
            for file in files:
                with file.open("rb") as content:
                    begin = content.read(4096)
                described = f"{file.relative_to(folder)} {file.stat().st_size} ".encode()
                checksum = zlib.crc32(described + begin, checksum)
            photos = f"{len(files)} photos with the checksum {checksum:08x}, weights {self.weights}"
        aside = f", {self.share_kept_aside:g} of them kept aside" if self.share_kept_aside else ""
        begun = f", from {Path(start).name}" if start else ""
        return f"{photos}, dead leaves {self.leaves:g}{aside}{begun}"
