"""Photos fetched by name, each file checked by its sha256."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from tqdm.auto import tqdm

from jahp_lib.weights import FOLDER


class NoNetworkError(OSError):
    """A download that could not be had; the message says what to do without it."""


DATA = Path(__file__).resolve().parent.parent.parent / "data"
KODAK_ADDRESS = "https://r0k.us/graphics/kodak/kodak/{name}"


IMAGENETTE_PHOTOS = 9469  # in its folder "train"


def download(name: str, folder: str | Path | None = None) -> Path:
    """Fetch a set of photos by name, once; returns the folder that holds them.

    ``"kodak"``: the 24 photos of the Kodak suite (15 MB), each checked by sha256. ``"imagenette"``: torchvision's Imagenette at full
    size (1.6 GB, 9,469 photos), for training. What is already there is kept; a broken-off download of Kodak goes on where it was,
    one of Imagenette starts again.

    Raises:
        ValueError: the name is unknown.
        NoNetworkError: the server cannot be reached; nothing half-written is taken for a photo.
        OSError: the disk is full or not writable.
    """
    folder = DATA / name if folder is None else Path(folder)
    if name == "kodak":
        for line in (FOLDER / "kodak.sha256").read_text().splitlines():
            sha256, file = line.split()
            fetch(KODAK_ADDRESS.format(name=file), folder / file, sha256)
        return folder
    if name == "imagenette":
        from torchvision.datasets import Imagenette

        found = folder / "imagenette2" / "train"
        if _count_photos(found) == IMAGENETTE_PHOTOS:
            return found
        if found.parent.exists():  # unpacking was broken off; torchvision would take it for the whole
            shutil.rmtree(found.parent)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            Imagenette(str(folder), split="train", size="full", download=True)
        except (
            urllib.error.URLError,
            TimeoutError,
            ConnectionError,
            http.client.HTTPException,
            RuntimeError,
        ) as error:
            raise _no_network("imagenette", error) from error
        return found
    raise ValueError(
        f"There is no photo set called {name!r}; 'kodak' (for measuring) and 'imagenette' (for training) can be had."
    )


def _count_photos(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*/*.JPEG"))


def fetch(address: str, path: Path, sha256: str, timeout: float = 30.0) -> Path:
    """Download one file to ``path``, going on where an earlier try broke off; returns ``path``.

    Raises:
        NoNetworkError: the server cannot be reached or sends something else than the file whose ``sha256`` was given.
    """
    if path.is_file() and _sha256(path) == sha256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    have = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(address, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            resumed = answer.status == 206  # a server that knows no ranges sends the whole file again
            total = (have if resumed else 0) + int(answer.headers.get("Content-Length") or 0)
            with (
                part.open("ab" if resumed else "wb") as file,
                tqdm.wrapattr(
                    answer, "read", total=total, initial=have if resumed else 0, desc=path.name, unit="B"
                ) as stream,
            ):
                shutil.copyfileobj(stream, file)
        arrived = part.stat().st_size
        if arrived < total:  # the connection was closed, which http.client does not report
            raise NoNetworkError(
                f"The download of {path.name} broke off after {arrived:,} of {total:,} bytes. Try again: it goes on from there."
            )
    except urllib.error.HTTPError as error:
        if (
            error.code != 416
        ):  # 416: nothing is left to send, so the part is complete or wrong; the checksum tells
            raise _no_network(path.name, error) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise _no_network(path.name, error) from error
    if _sha256(part) != sha256:
        part.unlink()
        raise NoNetworkError(
            f"What arrived as {path.name} is not the expected file (its sha256 differs). Try again later."
        )
    part.replace(path)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_network(name: str, error: Exception) -> NoNetworkError:
    reason = getattr(error, "reason", error)
    return NoNetworkError(
        f"{name} could not be downloaded ({reason}). Without a network, use jahp_lib.photos.sample_photos(), or a folder of your own."
    )
