"""Photos fetched by name, each file checked by its sha256."""

from __future__ import annotations

import errno
import hashlib
import http.client
import shutil
import ssl
import urllib.error
import urllib.request
import warnings
from pathlib import Path

from tqdm.auto import tqdm

from jahp_lib.weights import FOLDER


class NoNetworkError(OSError):
    """A download that could not be had; the message says what to do without it."""


CHECKOUT = Path(__file__).resolve().parent.parent.parent
DATA = CHECKOUT / "data"
KODAK_ADDRESS = "https://r0k.us/graphics/kodak/kodak/{name}"
IMAGENETTE_PHOTOS = 9469  # in its folder "train"

_NETWORK = (
    urllib.error.URLError,
    TimeoutError,
    ConnectionError,
    http.client.HTTPException,
    ssl.SSLError,
)
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
WITHOUT_PHOTOS = "Without a network, use jahp_lib.photos.sample_photos(), or a folder of your own."


def default_folder(name: str) -> Path:
    """Where photos of this name go if nobody says: ``data`` in the course's folder, or ``data`` here where
    the course was installed.
    """
    in_checkout = (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "notebooks").is_dir()
    return (DATA if in_checkout else Path("data")) / name


def download(name: str, folder: str | Path | None = None) -> Path:
    """Fetch a set of photos by name, once; returns the folder that holds them.

    ``"kodak"``: the 24 photos of the Kodak suite (15 MB), each checked by sha256. ``"imagenette"``:
    torchvision's Imagenette at full size (1.6 GB, 9,469 photos), for training. What is already there is kept;
    a broken-off download of Kodak goes on where it was, one of Imagenette starts again. Nothing of yours is
    deleted: what stands in the way is renamed, once the new is whole, and a warning says so.

    Raises:
        ValueError: the name is unknown.
        NoNetworkError: the server cannot be reached; nothing half-written is taken for a photo.
        OSError: the disk is full or not writable.
    """
    if name not in ("kodak", "imagenette"):
        raise ValueError(
            f"There is no photo set called {name!r}; 'kodak' (for measuring) and 'imagenette' (for training) "
            "can be had."
        )
    folder = default_folder(name) if folder is None else Path(folder)
    if name == "imagenette":
        return _imagenette(folder)
    for line in (FOLDER / "kodak.sha256").read_text().splitlines():
        sha256, file = line.split()
        fetch(KODAK_ADDRESS.format(name=file), folder / file, sha256)
    return folder


def _imagenette(folder: Path) -> Path:
    """torchvision fetches and unpacks in a folder of its own; the photos are moved from there when all are
    there.
    """
    from torchvision.datasets import Imagenette

    target = folder / "imagenette2"
    if _count_photos(target / "train") >= IMAGENETTE_PHOTOS:
        return target / "train"
    workshop = folder / ".imagenette.jahp-part"
    if (
        workshop / "imagenette2"
    ).exists():  # unpacking was broken off; torchvision would take it for the whole
        shutil.rmtree(workshop / "imagenette2")  # ours: nothing else is in a folder of this name
    workshop.mkdir(parents=True, exist_ok=True)
    try:
        Imagenette(str(workshop), split="train", size="full", download=True)
    except _NETWORK as error:
        raise _no_network("imagenette", error, WITHOUT_PHOTOS) from error
    except RuntimeError as error:  # how torchvision reports a wrong checksum
        raise _no_network("imagenette", error, WITHOUT_PHOTOS) from error
    except OSError as error:
        raise _without_room("imagenette", error) from error
    _into_place(workshop / "imagenette2", target)
    shutil.rmtree(workshop)  # ours, with the archive
    return target / "train"


def _count_photos(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*/*.JPEG"))


def _into_place(new: Path, target: Path) -> None:
    """Move a file or folder to ``target``; what stands there gets another name, and a warning says which."""
    if target.exists() or target.is_symlink():
        aside, count = target.with_name(f"{target.name}.before"), 1
        while aside.exists() or aside.is_symlink():
            count += 1
            aside = target.with_name(f"{target.name}.before-{count}")
        target.rename(aside)
        warnings.warn(
            f"{target} was there already and is not what was to be fetched: it is called {aside.name} now.",
            stacklevel=4,
        )
    new.rename(target)


def fetch(
    address: str, path: Path, sha256: str, timeout: float = 30.0, instead: str = WITHOUT_PHOTOS
) -> Path:
    """Download one file to ``path``, going on where an earlier try broke off; returns ``path``.

    Args:
        sha256: of the file, in hexadecimal digits, or as many of the first of them as are known.
        timeout: seconds without a byte after which the server counts as gone.
        instead: what to do without a network, for the error.

    Raises:
        NoNetworkError: the server cannot be reached or sends something else than the file whose ``sha256``
            was given.
        OSError: the disk is full or not writable.
    """
    if path.is_file() and _sha256(path).startswith(sha256):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name that nobody else gives to a file: it is written to, and deleted if it turns out wrong. Browsers
    # use ".part".
    part = path.with_name(f".{path.name}.jahp-part")
    try:
        _fetch_rest(address, part, path.name, timeout)
    except urllib.error.HTTPError as error:
        if (
            error.code != 416
        ):  # 416: nothing is left to send, so the part is complete or wrong; the checksum tells
            raise _no_network(path.name, error, instead) from error
    except NoNetworkError:
        raise
    except _NETWORK as error:
        raise _no_network(path.name, error, instead) from error
    except OSError as error:
        raise _without_room(path.name, error) from error
    if not _sha256(part).startswith(sha256):
        part.unlink()
        raise NoNetworkError(
            f"What arrived as {path.name} is not the expected file (its sha256 differs). Try again later."
        )
    _into_place(part, path)
    return path


def _fetch_rest(address: str, part: Path, name: str, timeout: float) -> None:
    """Append to ``part`` what is still missing of the file, with a progress bar."""
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        resumed = answer.status == 206  # a server that knows no ranges sends the whole file again
        start = have if resumed else 0
        total = start + int(answer.headers.get("Content-Length") or 0)
        with (
            part.open("ab" if resumed else "wb") as file,
            tqdm.wrapattr(answer, "read", total=total, initial=start, desc=name, unit="B") as stream,
        ):
            shutil.copyfileobj(stream, file)
    arrived = part.stat().st_size
    if arrived < total:  # the connection was closed, which http.client does not report
        raise NoNetworkError(
            f"The download of {name} broke off after {arrived:,} of {total:,} bytes. Try again: it goes on "
            "from there."
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_network(name: str, error: Exception, instead: str) -> NoNetworkError:
    reason = getattr(error, "reason", error)
    return NoNetworkError(f"{name} could not be downloaded ({reason}). {instead}")


def _without_room(name: str, error: OSError) -> OSError:
    """The same error, in a sentence if the disk is full."""
    if error.errno not in _NO_ROOM:
        return error
    return OSError(
        f"The disk is full: there is no room for {name}. Free some space and try again; what has arrived is "
        "kept."
    )
