"""BPG, VTM (H.266) and HM (H.265) as further codecs of a comparison, where their programs are installed; none
is required.

VTM and HM read and write planes of Y'CbCr 4:4:4, 8 bits each; pictures are brought there and back by ITU-R
BT.709 over the full range, as CompressAI's benchmark does. Their configuration is looked for in the folders
``cfg`` beside and above the program, where their source has it, or named by the environment:
``VTM_CONFIG=…/encoder_intra_vtm.cfg``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

KR, KB = 0.2126, 0.0722  # shares of red and blue in luma, ITU-R BT.709


class Program(Protocol):
    """A codec that runs as a program: its name, its settings from small to large files, and pictures to bytes
    and back."""

    name: str
    settings: Sequence[float]

    def encode(self, image: Image.Image, setting: float) -> bytes:
        """The file that the program makes of a picture."""

    def decode(self, blob: bytes) -> Image.Image:
        """The picture in such a file."""


class ProgramError(OSError):
    """A program of another codec failed; the message has its last words."""


def installed_programs() -> tuple[list[Program], list[str]]:
    """The programs that are on the path, and a sentence for each that is there and cannot be used."""
    programs: list[Program] = []
    notes = []
    if shutil.which("bpgenc") and shutil.which("bpgdec"):
        programs.append(BPG())
    for name, encoders, decoders, config, options in REFERENCE_SOFTWARE:
        encoder, decoder = _first_found(encoders), _first_found(decoders)
        if encoder is None or decoder is None:
            continue
        found = _config(name, config, encoder)
        if found is None:
            notes.append(f"{name} is installed but was not measured: set {name}_CONFIG to its {config}.")
        else:
            programs.append(ReferenceSoftware(name, encoder, decoder, found, options))
    return programs, notes


class BPG:
    """BPG 4:4:4 by ``bpgenc`` and ``bpgdec``; a setting is the quantiser, 0 (fine) to 51."""

    name = "BPG 4:4:4"
    settings: Sequence[float] = (47, 42, 37, 32, 27, 22, 17)

    def encode(self, image: Image.Image, setting: float) -> bytes:
        """The .bpg file of a picture."""
        with tempfile.TemporaryDirectory() as folder:
            photo, coded = Path(folder, "photo.png"), Path(folder, "photo.bpg")
            image.save(photo)
            _run(["bpgenc", "-o", str(coded), "-q", f"{setting:g}", "-f", "444", str(photo)])
            return coded.read_bytes()

    def decode(self, blob: bytes) -> Image.Image:
        """The picture in a .bpg file."""
        with tempfile.TemporaryDirectory() as folder:
            photo, coded = Path(folder, "photo.png"), Path(folder, "photo.bpg")
            coded.write_bytes(blob)
            _run(["bpgdec", "-o", str(photo), str(coded)])
            with Image.open(photo) as image:
                return image.convert("RGB")


class ReferenceSoftware:
    """The reference encoder and decoder of a video standard, for one picture; a setting is the quantiser, as
    in BPG.

    Its files do not say a picture's size in a way that is read here: ``decode`` takes what ``encode`` has
    just made.
    """

    settings: Sequence[float] = (47, 42, 37, 32, 27, 22, 17)

    def __init__(self, name: str, encoder: str, decoder: str, config: Path, options: Sequence[str]) -> None:
        self.name, self.encoder, self.decoder = name, encoder, decoder
        self.config, self.options = config, options
        self._size = (0, 0)

    def encode(self, image: Image.Image, setting: float) -> bytes:
        """The stream that the encoder makes of a picture."""
        self._size = image.size
        width, height = image.size
        with tempfile.TemporaryDirectory() as folder:
            planes, coded = Path(folder, "photo.yuv"), Path(folder, "photo.bin")
            planes.write_bytes(to_ycbcr(np.asarray(image)).tobytes())
            _run(
                [
                    *(self.encoder, "-c", str(self.config), "-i", str(planes), "-b", str(coded)),
                    *("-o", os.devnull, "-q", f"{setting:g}", "-wdt", str(width), "-hgt", str(height)),
                    *("-fr", "1", "-f", "1", "--InputChromaFormat=444", "--InputBitDepth=8"),
                    *self.options,
                ]
            )
            return coded.read_bytes()

    def decode(self, blob: bytes) -> Image.Image:
        """The picture in a stream."""
        width, height = self._size
        with tempfile.TemporaryDirectory() as folder:
            planes, coded = Path(folder, "photo.yuv"), Path(folder, "photo.bin")
            coded.write_bytes(blob)
            _run([self.decoder, "-b", str(coded), "-o", str(planes), "-d", "8"])
            values = np.frombuffer(planes.read_bytes(), np.uint8).reshape(3, height, width)
        return Image.fromarray(to_rgb(values))


# name, encoders, decoders, configuration, and what each needs to keep the picture's size (conformance window)
REFERENCE_SOFTWARE = (
    (
        "VTM",
        ("EncoderAppStatic", "EncoderApp"),
        ("DecoderAppStatic", "DecoderApp"),
        "encoder_intra_vtm.cfg",
        ("--ConformanceWindowMode=1",),
    ),
    (
        "HM",
        ("TAppEncoderStatic", "TAppEncoder"),
        ("TAppDecoderStatic", "TAppDecoder"),
        "encoder_intra_main_rext.cfg",
        ("--ConformanceMode=1", "--Level=5.1"),
    ),
)


def to_ycbcr(rgb: np.ndarray) -> np.ndarray:
    """uint8 [H, W, 3] to planes of Y'CbCr, uint8 [3, H, W], full range, ITU-R BT.709."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    luma = KR * red + (1 - KR - KB) * green + KB * blue
    planes = np.stack((luma, (blue - luma) / (2 - 2 * KB) + 128, (red - luma) / (2 - 2 * KR) + 128))
    return planes.round().clip(0, 255).astype(np.uint8)


def to_rgb(planes: np.ndarray) -> np.ndarray:
    """The way back from ``to_ycbcr``: uint8 [3, H, W] to uint8 [H, W, 3]."""
    luma, blue_difference, red_difference = planes.astype(np.float64)
    red = luma + (2 - 2 * KR) * (red_difference - 128)
    blue = luma + (2 - 2 * KB) * (blue_difference - 128)
    green = (luma - KR * red - KB * blue) / (1 - KR - KB)
    return np.stack((red, green, blue), -1).round().clip(0, 255).astype(np.uint8)


def _first_found(names: Sequence[str]) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)


def _config(name: str, config: str, encoder: str) -> Path | None:
    named = os.environ.get(f"{name}_CONFIG")
    if named:
        return Path(named)
    places = [folder / "cfg" / config for folder in Path(encoder).resolve().parents]
    return next((place for place in places if place.is_file()), None)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ProgramError(
            f"{Path(command[0]).name} failed with exit code {done.returncode}: {' '.join(last)}"
        )
