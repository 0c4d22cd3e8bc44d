"""Photos: the sample photos, folders of your own, endless dead leaves, and downloads checked by sha256.

Pixels travel as uint8 [3, H, W] and become floats in [0, 1] on the device (``to_float``): four times less to move.
"""

from __future__ import annotations

import hashlib
import http.client
import shutil
import struct
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor, to_pil_image
from tqdm.auto import tqdm

DATA = Path(__file__).resolve().parent.parent / "data"
SAMPLES = ("astronaut", "chelsea", "coffee", "rocket")  # CC0 photos inside scikit-image's wheel
EXTENSIONS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


# how to turn a picture upright that a camera held otherwise, by EXIF orientation
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# what Pillow's decoders raise for damaged files
DAMAGE = (OSError, SyntaxError, ValueError, TypeError, AttributeError, RuntimeError, LookupError, EOFError, struct.error)


class PhotoError(ValueError):
    """A picture that cannot be read, or a folder without usable ones; the message says which and what to do."""


class NoNetworkError(OSError):
    """A download that could not be had; the message says what to do without it."""


# --- one photo ---------------------------------------------------------------------------------------------------------------


def open_photo(source: str | Path | BinaryIO | Image.Image) -> Image.Image:
    """Any picture Pillow reads, as an upright RGB image.

    EXIF orientation is applied. Grey, palette, CMYK and 16-bit pictures and floats in [0, 1] are converted; transparency is
    composited on white.

    Raises:
        PhotoError: no such file, an empty file, not an image, one cut short, or one whose values have no agreed range.
    """
    if isinstance(source, Image.Image):
        return _upright_rgb(source)
    with opened(source) as image:
        image.load()
        return _upright_rgb(image)


@contextmanager
def opened(source: str | Path | BinaryIO) -> Iterator[Image.Image]:
    """The picture as Pillow opens it, its pixels not loaded yet; what goes wrong until it is closed ends in a ``PhotoError``.

    Raises:
        PhotoError: as for ``open_photo``.
    """
    name = str(source) if isinstance(source, (str, Path)) else "The picture"
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.exists():
            raise PhotoError(f"There is no file {name}.")
        if path.is_dir():
            raise PhotoError(f"{name} is a folder; name one picture in it.")
        if path.stat().st_size == 0:
            raise PhotoError(f"{name} is empty (0 bytes): it was probably not copied completely.")
    try:
        with Image.open(source) as image:
            yield image
    except PhotoError as error:
        raise PhotoError(f"{name} cannot be used. {error}") from error
    except UnidentifiedImageError as error:
        raise PhotoError(f"{name} is not a picture that can be read here; PNG, JPEG, WebP and TIFF can.") from error
    except Image.DecompressionBombError as error:
        raise PhotoError(f"{name} is larger than is safe to open: {error}") from error
    except PermissionError as error:
        raise PhotoError(f"{name} may not be read by you.") from error
    except DAMAGE as error:
        raise PhotoError(f"{name} is damaged or cut short ({error}): copy it again.") from error


def orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1, upright, where it is not said or the EXIF block is damaged."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except DAMAGE:
        return 1


def _upright_rgb(image: Image.Image) -> Image.Image:
    turn = UPRIGHT.get(orientation(image))
    if turn is not None:  # ImageOps.exif_transpose rewrites EXIF data, and fails on odd tags
        image = image.transpose(turn)
        for key in ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp"):
            image.info.pop(key, None)  # or it would be turned once more by the next who opens it
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):  # 16-bit grey and floats; Pillow would clip instead of scaling
        values = np.asarray(image, dtype=np.float64)
        if image.mode == "F" and not (values.min() >= 0 and values.max() <= 1):  # NaN fails both
            raise PhotoError("A picture of floating-point values must keep to [0, 1]: save it with 8 or 16 bits.")
        white = 1.0 if image.mode == "F" else 65535.0
        image = Image.fromarray(np.clip(np.round(values * (255.0 / white)), 0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def to_tensor(image: Image.Image) -> Tensor:
    """Pixels of an RGB image as uint8 [3, H, W]."""
    return pil_to_tensor(image.convert("RGB"))


def to_float(pixels: Tensor) -> Tensor:
    """uint8 pixels of any shape to floats in [0, 1]."""
    return pixels.float() / 255.0


def to_image(x: Tensor) -> Image.Image:
    """A picture [3, H, W] or [1, 3, H, W], uint8 or float in [0, 1] (clipped, rounded to the nearest level), as PIL image."""
    x = x.detach().cpu().squeeze(0) if x.dim() == 4 else x.detach().cpu()
    if x.is_floating_point():
        x = (x.float().clamp(0, 1) * 255.0).round().to(torch.uint8)
    return to_pil_image(x)


def sample_photos() -> dict[str, Image.Image]:
    """Four CC0 photos by name, without a network: astronaut 512x512, chelsea 300x451, coffee 400x600, rocket 427x640 (H x W).

    They come inside scikit-image's package; the docstring of each, ``help(skimage.data.coffee)`` say, names author and licence.
    """
    import skimage.data

    return {name: Image.fromarray(getattr(skimage.data, name)()) for name in SAMPLES}


# --- many photos -------------------------------------------------------------------------------------------------------------


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
            raise ValueError(f"PhotoSet needs photos with sides of at least one patch ({patch} pixels, itself at least 1).")
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

    Attributes:
        files: where each photo came from.
        skipped: file to reason, for files with an image's ending that could not be used. One warning names them.

    Raises:
        PhotoError: the folder is missing, or holds no usable photo.
        ValueError: ``patch`` is below 1, or ``weights`` is another word.
    """

    def __init__(self, path: str | Path, patch: int = 256, weights: str = "equal", progress: bool = False) -> None:
        path = Path(path)
        if patch < 1:
            raise ValueError(f"patch is a side in pixels and must be at least 1, not {patch}.")
        if weights not in ("equal", "bytes"):
            raise ValueError(f"weights must be 'equal' or 'bytes', not {weights!r}.")
        if not path.is_dir():
            raise PhotoError(f"There is no folder {path}.")
        candidates = photo_files(path)
        photos: dict[Path, Tensor] = {}
        self.skipped: dict[Path, str] = {}
        for file in tqdm(candidates, desc="reading photos", unit="photo", disable=not progress):
            try:
                pixels = to_tensor(open_photo(file))
                if min(pixels.shape[1:]) < patch:
                    raise PhotoError(f"{file} is {pixels.shape[2]}x{pixels.shape[1]}, smaller than a patch of {patch}.")
                photos[file] = pixels
            except PhotoError as error:
                self.skipped[file] = str(error)
        if self.skipped:
            listing = "\n  ".join(list(self.skipped.values())[:10])
            more = f"\n  and {len(self.skipped) - 10} more" if len(self.skipped) > 10 else ""
            warnings.warn(f"{len(self.skipped)} of {len(candidates)} files were left out:\n  {listing}{more}", stacklevel=2)
        if not photos:
            raise PhotoError(
                f"{path} holds no photo of at least {patch}x{patch} pixels ({len(candidates)} files with an image's ending were "
                "looked at). Give another folder, or a smaller patch."
            )
        self.files = list(photos)
        sizes = [file.stat().st_size for file in self.files] if weights == "bytes" else None
        super().__init__(list(photos.values()), patch, sizes)
        self._order = np.argsort([busyness(photo) for photo in self.photos], kind="stable")  # calm photos first
        edges = np.cumsum(self.probabilities[self._order])
        self._edges = edges / edges[-1]  # exactly 1 at the end, so that every place in the row has its photo

    def _choose(self, count: int, rng: np.random.Generator) -> np.ndarray:
        return self._order[np.searchsorted(self._edges, stratified(count, rng), side="right")]


def photo_files(folder: Path) -> list[Path]:
    """All files in a folder and its subfolders that have an image's ending, sorted."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in EXTENSIONS and file.is_file())


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


def dead_leaves(count: int, size: int, rng: np.random.Generator, smallest: float = 1.5, largest: float | None = None) -> Tensor:
    """Pictures of overlapping discs whose radii follow a power law, uint8 [count, 3, size, size].

    Radii have density proportional to r**-3 between ``smallest`` and ``largest`` (default: half the size), which makes the
    picture look alike at every scale, as photos do; each disc hides what lies below it (Lee, Mumford & Huang 2001, "Occlusion
    models for natural images"). Each disc has a colour of its own and a soft shading.

    Raises:
        ValueError: ``count`` or ``size`` is below 1, or the radii are not 0 < smallest < largest.
    """
    largest = max(size / 2, smallest * 2) if largest is None else largest
    if count < 1 or size < 1 or not 0 < smallest < largest:
        raise ValueError(
            f"dead_leaves needs count and size of at least 1 and 0 < smallest < largest, not {count, size, smallest, largest}."
        )
    pictures = np.empty((count, size, size, 3), np.uint8)
    for picture in pictures:
        _dead_leaves_picture(picture, rng, smallest, largest)
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).contiguous()


def _dead_leaves_picture(picture: np.ndarray, rng: np.random.Generator, smallest: float, largest: float) -> None:
    """Fill one picture [size, size, 3] from the topmost disc down, until no pixel is uncovered."""
    size = picture.shape[0]
    uncovered = np.ones((size, size), bool)
    mean, spread = rng.uniform(60, 190, 3), rng.uniform(20, 80)
    while uncovered.any():
        for u, row, column in rng.random((64, 3)):
            # inverse of the cumulative distribution of r**-3
            radius = (smallest**-2 - u * (smallest**-2 - largest**-2)) ** -0.5
            row, column = row * (size + 2 * radius) - radius, column * (size + 2 * radius) - radius
            rows = slice(max(int(row - radius), 0), int(row + radius) + 2)
            columns = slice(max(int(column - radius), 0), int(column + radius) + 2)
            free = uncovered[rows, columns]
            if not free.any():
                continue
            down = np.arange(rows.start, rows.start + free.shape[0])[:, None] - row
            across = np.arange(columns.start, columns.start + free.shape[1])[None, :] - column
            inside = (down**2 + across**2 <= radius**2) & free
            colour = mean + spread * (rng.standard_normal() + 0.3 * rng.standard_normal(3))  # mostly a difference in brightness
            tilt = rng.normal(0, 25, 2) / max(radius, 8)
            shaded = colour + (tilt[0] * down + tilt[1] * across)[:, :, None]
            picture[rows, columns][inside] = np.clip(shaded, 0, 255)[inside].astype(np.uint8)
            free[inside] = False


# --- downloads ---------------------------------------------------------------------------------------------------------------

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
        for line in (DATA / "reference" / "kodak.sha256").read_text().splitlines():
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
        except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException, RuntimeError) as error:
            raise _no_network("imagenette", error) from error
        return found
    raise ValueError(f"There is no photo set called {name!r}; 'kodak' (for measuring) and 'imagenette' (for training) can be had.")


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
                tqdm.wrapattr(answer, "read", total=total, initial=have if resumed else 0, desc=path.name, unit="B") as stream,
            ):
                shutil.copyfileobj(stream, file)
        arrived = part.stat().st_size
        if arrived < total:  # the connection was closed, which http.client does not report
            raise NoNetworkError(
                f"The download of {path.name} broke off after {arrived:,} of {total:,} bytes. Try again: it goes on from there."
            )
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing is left to send, so the part is complete or wrong; the checksum tells
            raise _no_network(path.name, error) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise _no_network(path.name, error) from error
    if _sha256(part) != sha256:
        part.unlink()
        raise NoNetworkError(f"What arrived as {path.name} is not the expected file (its sha256 differs). Try again later.")
    part.replace(path)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _no_network(name: str, error: Exception) -> NoNetworkError:
    reason = getattr(error, "reason", error)
    return NoNetworkError(
        f"{name} could not be downloaded ({reason}). Without a network, use jahp_lib.data.sample_photos(), or a folder of your own."
    )


Source = Callable[[int, np.random.Generator], Tensor]


def mixed(sources: list[tuple[float, Source]]) -> Source:
    """Draw each patch from one of several sources, with the given weights: ``[(0.8, photos.batch), (0.2, leaves.batch)]``."""
    weights = np.array([weight for weight, _ in sources])

    def draw(count: int, rng: np.random.Generator) -> Tensor:
        share = rng.multinomial(count, weights / weights.sum())
        parts = [source(n, rng) for n, (_, source) in zip(share.tolist(), sources, strict=True) if n]
        return torch.cat([part.to(parts[0].device) for part in parts])

    return draw
