"""What a compressed picture says about itself, read without its model and without PyTorch; what ``jahp info``
prints."""

from __future__ import annotations

from pathlib import Path

from jahp_lib.codec.container import HEADER, BitstreamError, unpack

LARGEST_FILE = 1 << 29  # bytes; more than any picture of ``MAX_PIXELS`` takes


def read_blob(path: str | Path) -> bytes:
    """The bytes of a compressed picture, from a file or a pipe.

    Raises:
        BitstreamError: no such file, or one larger than any compressed picture.
    """
    path = Path(path)
    if not path.exists() or path.is_dir():
        raise BitstreamError(f"{path} is a folder." if path.is_dir() else f"There is no file {path}.")
    with path.open("rb") as file:
        blob = file.read(LARGEST_FILE + 1)  # a pipe does not know its length
    if len(blob) > LARGEST_FILE:
        raise BitstreamError(
            f"{path} has more than {LARGEST_FILE:,} bytes, and no compressed picture is that large."
        )
    return blob


def describe(blob: bytes) -> str:
    """What a compressed picture says about itself: a few lines of text.

    Raises:
        BitstreamError: damaged, cut short, of another version, or no compressed picture at all.
    """
    header, payload = unpack(blob)
    lines = {
        "format": f"JHP version {header.version}",
        "picture": f"{header.width}x{header.height} pixels",
        "lmbda": "not given" if header.lmbda is None else f"{header.lmbda:.4g}",
        "weights": f"fingerprint {header.fingerprint.hex()}",
        "bytes": f"{len(blob):,}: header {HEADER.size}, code {len(payload):,}",
        "rate": f"{8 * len(blob) / (header.width * header.height):.3f} bit/pixel",
        "checksum": "correct",
    }
    return "\n".join(f"{name:<10}{text}" for name, text in lines.items())
