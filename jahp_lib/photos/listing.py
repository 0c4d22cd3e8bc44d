"""Which files of a folder are photos: one rule for training, for measuring and for the checksum of a run."""

from __future__ import annotations

import os
from pathlib import Path

EXTENSIONS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
NOT_THE_USER_S = {"__MACOSX", "@eaDir"}  # what macOS puts into archives, and network storage beside photos


def photo_files(folder: str | Path) -> list[Path]:
    """All photos in a folder and its subfolders, sorted: files with an image's ending, links to files and
    folders followed.

    This course's own outputs are left out (``is_own_output``). Names that begin with a dot are left out:
    macOS's ``._x.png``, which is no picture, ``.Trashes``, and our own unfinished downloads. A folder that
    can be reached in two ways is looked at once.
    """
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [str(folder)]
    while waiting:
        current = waiting.pop()
        try:
            status = os.stat(current)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name, reverse=True)
        except (PermissionError, FileNotFoundError):
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in NOT_THE_USER_S:
                continue
            if os.path.splitext(entry.name)[1].lower() in EXTENSIONS and entry.is_file():
                if not is_own_output(Path(entry.path)):
                    found.append(entry.path)
            elif entry.is_dir():
                waiting.append(entry.path)
    found.sort(key=lambda path: path.split(os.sep))  # as paths are sorted, but many times faster than paths
    return [Path(path) for path in found]


def is_own_output(file: Path) -> bool:
    """Whether a picture is no photo but a result of this course: a decoded one, or the curves of an
    evaluation.

    ``curves.png`` is one where the measurements that it shows lie beside it.
    """
    if file.name == "curves.png":
        return all((file.parent / name).is_file() for name in ("measurements.csv", "results.json"))
    return file.name.endswith(".decoded.png")
