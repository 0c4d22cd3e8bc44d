"""No lesson. One training at a time in a run's folder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jahp_lib.training.settings import TrainingError

# --------------------------------------------------------------------------------------------------


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep ``folder`` for this process; the system lets go of it when the process ends, however it ends.

    Raises:
        TrainingError: another process has it.
    """
    handle = _open_lock(folder)
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def _unlocked() -> Iterator[None]:
    yield


def _open_lock(folder: Path) -> int:
    """The handle that holds the lock; closing it gives the lock back."""
    try:
        import fcntl
    except ImportError:  # Windows cannot lock a folder, so there it is a file in it
        return _open_lock_on_windows(folder)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise _in_use(folder) from None
    except OSError as error:
        warnings.warn(
            f"The disk of {folder} has no locks ({error.strerror}): take care that no second training uses "
            "this folder.",
            stacklevel=3,
        )
    return handle


def _open_lock_on_windows(folder: Path) -> int:
    import msvcrt

    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        os.close(handle)
        raise _in_use(folder) from None
    return handle


def _in_use(folder: Path) -> TrainingError:
    return TrainingError(
        f"Another training is writing to {folder}. Wait until it has ended, or use another run folder "
        "(--run)."
    )
