"""Files written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

# how a file system says that it keeps no modes (Windows' disks under WSL, FAT on a stick, some network
# shares)
_NO_MODES = {errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


def write_whole(path: str | Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that the file is there whole or, if anything fails, is what it was
    before.

    A file that was there keeps its mode. A symbolic link stays, and the file it names is written.

    Raises:
        OSError: the folder is missing, the disk is full, or what stands there is no regular file; nothing
            half-written stays behind.
    """
    target, mode = writable(path)
    # The temporary file lies beside the target, since only within one disk a file can be put in another's
    # place in one step. Its name does not contain the target's: that may already be as long as names can be.
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".jahp-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _set_mode(temporary, mode)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)  # ours: made above
        raise


def writable(path: str | Path) -> tuple[Path, int]:
    """The file that writing to ``path`` replaces, behind all links, and the mode that it is to have.

    Raises:
        OSError: a folder, pipe or device stands there: something that must not be replaced by a file.
    """
    target = Path(os.path.realpath(path))
    try:
        found = os.stat(path).st_mode
    except FileNotFoundError:
        # mkstemp makes files that only their owner can read; one made by open() has what the user's mask
        # leaves of 0o666
        mask = os.umask(0)
        os.umask(mask)
        return target, 0o666 & ~mask
    if stat.S_ISDIR(found):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found):
        raise OSError(f"{path} is {_kind(found)}, and is left as it is: name another file to write.")
    return target, stat.S_IMODE(found)


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "no regular file"


def _set_mode(path: str, mode: int) -> None:
    """Give a file its mode, where its disk knows modes at all; where not, the file keeps the narrower one it
    was made with.
    """
    try:
        os.chmod(path, mode)
    except OSError as error:
        if error.errno not in _NO_MODES:
            raise
