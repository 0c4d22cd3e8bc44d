"""Lesson 9. What a file is: a header of 24 bytes, then those of the range coder.

    bytes  field
    0-2    "JHP"
    3      version of the format
    4-7    fingerprint of the weights: a file is read by the model that wrote it, and by no other
    8-11   width and height in pixels, 1 to 65535 each
    12-13  lmbda: 2048 log2(lmbda) + 32768, in steps of 0.03 %; 0 where none was given
    14-15  check of the latent: the lower half of the CRC-32 of y_hat, so that a wrong decoder is found out
    16-19  number of bytes that follow the header
    20-23  CRC-32 of all other bytes

Numbers in the header are little-endian. Whatever changes the meaning of a single byte, tables and order of
coding included, gets a new version.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reading a header needs neither, and `jahp info` answers at once
    from torch import Tensor, nn

MAGIC = b"JHP"
VERSION = 1
LARGEST_SIDE = 0xFFFF
HEADER = struct.Struct("<3sB4sHHHHII")
LMBDA_STEPS, LMBDA_CENTRE = 2048, 32768


class BitstreamError(ValueError):
    """A file that cannot be decoded; the message says why, and what to do."""


def lmbda_to_code(lmbda: float | None) -> int:
    """λ as 16 bits: 0 for none, else 1 to 65535, the nearest step of log2 λ (λ from 2**-16 to 2**16)."""
    if lmbda is None:
        return 0
    return min(max(round(LMBDA_STEPS * math.log2(lmbda)) + LMBDA_CENTRE, 1), 0xFFFF)


def lmbda_from_code(code: int) -> float | None:
    """The λ that ``lmbda_to_code`` stored, to within 0.02 %; None where there was none."""
    return 2.0 ** ((code - LMBDA_CENTRE) / LMBDA_STEPS) if code else None


@dataclass(frozen=True)
class Header:
    """What a file says about itself.

    ``lmbda_code`` is λ as stored; ``length`` counts the bytes after the header.
    """

    fingerprint: bytes
    width: int
    height: int
    lmbda_code: int
    latent_check: int
    length: int = 0
    version: int = VERSION

    @property
    def lmbda(self) -> float | None:
        return lmbda_from_code(self.lmbda_code)

    def pack(self, checksum: int) -> bytes:
        return HEADER.pack(
            MAGIC,
            self.version,
            self.fingerprint,
            self.width,
            self.height,
            self.lmbda_code,
            self.latent_check,
            self.length,
            checksum,
        )


def _checksum(header: Header, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(header.pack(0)[:-4]))


def pack(header: Header, payload: bytes) -> bytes:
    """A whole file; ``header.length`` is filled in."""
    header = replace(header, length=len(payload))
    return header.pack(_checksum(header, payload)) + payload


def unpack(blob: bytes) -> tuple[Header, bytes]:
    """Header and payload of a file that is whole and undamaged.

    Raises:
        BitstreamError: another kind of file, a newer version, cut short, too long, or damaged.
    """
    if not isinstance(blob, (bytes, bytearray, memoryview)):
        raise BitstreamError(f"A compressed picture is a bytes object, not {type(blob).__name__}.")
    blob = bytes(blob)
    if not blob.startswith(MAGIC[: len(blob)]) or not blob:
        raise BitstreamError(
            "This is not a compressed picture of this program: it does not begin with the letters JHP."
        )
    if len(blob) < HEADER.size:
        raise BitstreamError(
            f"The file is cut short: it has {len(blob)} bytes, and the header alone has {HEADER.size}. Copy "
            "it again."
        )
    _, version, fingerprint, width, height, lmbda_code, latent_check, length, checksum = HEADER.unpack_from(
        blob
    )
    if version != VERSION:
        raise BitstreamError(
            f"The file is of version {version}, and this program reads version {VERSION}. Use a newer "
            "program."
        )
    payload = blob[HEADER.size :]
    if len(payload) < length:
        raise BitstreamError(
            f"The file is cut short: {len(payload)} of {length} bytes after the header are there. Copy it "
            "again."
        )
    if len(payload) > length:
        raise BitstreamError(
            f"The file has {len(payload) - length} bytes too many at its end: it is damaged. Copy it again."
        )
    header = Header(fingerprint, width, height, lmbda_code, latent_check, length)
    if _checksum(header, payload) != checksum:
        raise BitstreamError("The file is damaged: its checksum does not fit its bytes. Copy it again.")
    if not width or not height:
        raise BitstreamError(f"The file claims a picture of {width}x{height} pixels, which has none.")
    return header, payload


def fingerprint(model: nn.Module, config: dict) -> bytes:
    """4 bytes that tell weights apart: the start of the sha256 of configuration, names and weights as
    float32."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().astype("<f4", copy=False).data)
    return digest.digest()[:4]


def latent_check(y_hat: Tensor, step: float) -> int:
    """The lower 16 bits of the CRC-32 of y_hat [C, h, w] as 32-bit multiples of ``step``."""
    integers = (y_hat / step).cpu().contiguous().numpy().astype("<i4")
    return zlib.crc32(integers.data) & 0xFFFF
