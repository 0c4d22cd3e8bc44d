"""Rules that hold for every command, each written once.

No command writes over what it reads, with ``--force`` or without; none writes over anything else without
``--force``; and what cannot be written is said before the work, not after it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def writable(target: str | Path, sources: Iterable[str | Path] = (), force: bool = False) -> Path:
    """A file that may be written: its folder is there, it is none of ``sources``, and it is new or ``force``
    is set.

    Raises:
        ValueError: one of these does not hold; the message says which and what to do.
    """
    target = Path(target)
    for source in sources:
        if same_file(target, source):
            link = "" if str(target) == str(source) else f" ({source})"
            raise ValueError(
                f"{target} is a file that is read{link}, and writing it would destroy it. Name another."
            )
    if target.is_dir():
        raise ValueError(f"{target} is a folder, and a file is to be written: add the file's name to it.")
    if not target.parent.is_dir():
        raise ValueError(f"There is no folder {target.parent} to write {target.name} into.")
    if target.exists() and not force:
        raise ValueError(f"{target} exists already. Name another target, or write over it with --force.")
    return target


def same_file(first: str | Path, second: str | Path) -> bool:
    """Whether two names lead to one file: the same path, a symbolic link or a hard link to it."""
    try:
        return os.path.samefile(first, second)
    except OSError:  # one of them is not there
        return Path(first).resolve() == Path(second).resolve()
