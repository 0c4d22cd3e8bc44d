"""Weights that CompressAI publishes, by name: fetched once, checked, converted, and kept in the user's cache.

    download_weights("mbt2018-mse-4")    the joint model, trained for squared error, the 4th of 8 qualities

``weights/published.csv`` lists the files. Each file's name ends with the first eight digits of its sha256.

Source: Bégaint, Racapé, Feltman & Pushparaja 2020, "CompressAI: a PyTorch library and evaluation platform for
end-to-end compression research"; addresses and λ: its documentation, "Model zoo" and "Training".
"""

from __future__ import annotations

import csv
import os
import pickle
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from jahp_lib.checkpoints.compressai import THEIR_NAMES, from_compressai
from jahp_lib.checkpoints.files import CheckpointError, save
from jahp_lib.photos.downloads import fetch
from jahp_lib.weights import FOLDER

ADDRESS = "https://compressai.s3.amazonaws.com/models/v1/{file}"
# λ of the qualities 1 to 8; of "ms-ssim" it weighs 1 - MS-SSIM
LMBDAS = {
    "mse": (0.0018, 0.0035, 0.0067, 0.0130, 0.0250, 0.0483, 0.0932, 0.1800),
    "ms-ssim": (2.40, 4.58, 8.73, 16.64, 31.73, 60.50, 115.37, 220.00),
}


@dataclass(frozen=True)
class Published:
    """A line of ``published.csv``."""

    file: str
    architecture: str
    metric: str
    quality: int
    sha256_begins: str

    @property
    def name(self) -> str:
        return f"{self.architecture}-{self.metric}-{self.quality}"

    @property
    def lmbda(self) -> float:
        return LMBDAS[self.metric][self.quality - 1]


@cache
def published() -> dict[str, Published]:
    """All published weights by name."""
    with (FOLDER / "published.csv").open(newline="", encoding="utf-8") as file:
        entries = [Published(**{**row, "quality": int(row["quality"])}) for row in csv.DictReader(file)]  # type: ignore[arg-type]
    return {entry.name: entry for entry in entries}


def cache_folder() -> Path:
    """Where this user's programs keep what can be fetched again: ``XDG_CACHE_HOME``, or what the system has
    for it.
    """
    chosen = os.environ.get("XDG_CACHE_HOME")
    if chosen and Path(chosen).is_absolute():
        return Path(chosen) / "jahp"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "jahp" / "Cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "jahp"


def download_weights(name: str, folder: str | Path | None = None) -> Path:
    """Fetch published weights by name, once; returns the safetensors file that holds them, for ``jahp.load``.

    A download that breaks off goes on where it was when it is asked for again.

    Args:
        name: architecture, metric ("mse" or "ms-ssim") and quality (1 to 8), such as "mbt2018-mse-4".
        folder: where to keep it; by default ``weights`` in the user's cache.

    Raises:
        CheckpointError: there are no such weights, or the file does not hold what it should.
        NoNetworkError: the server cannot be reached, or sends another file.
        OSError: the disk is full or not writable.
    """
    if name not in published():
        raise CheckpointError(f"There are no published weights called {name!r}. There are {known_names()}.")
    entry = published()[name]
    target = Path(folder or cache_folder() / "weights") / f"{name}.safetensors"
    if target.is_file():
        return target
    source = fetch(
        ADDRESS.format(file=entry.file),
        target.with_name(entry.file),
        entry.sha256_begins,
        instead="Without a network, use the shipped weights (small).",
    )
    model = from_compressai(_tensors(source))
    expected = entry.architecture
    found = THEIR_NAMES[str(model.config["architecture"])]
    if found != expected:
        raise CheckpointError(
            f"{source} holds weights of {found}, not of {expected}: it was published under a wrong name."
        )
    card = {"source": f"CompressAI, {entry.file}", "lmbda": entry.lmbda, "metric": entry.metric}
    save(model, target, card=card)
    source.unlink()  # fetched above, and its weights are in the target now
    return target


def known_names() -> str:
    """The names of all published weights, in words."""
    families = sorted({f"{entry.architecture}-{entry.metric}" for entry in published().values()})
    return f"{', '.join(families)}, each followed by -1 (smallest files) to -8 (finest pictures)"


def _tensors(path: Path) -> dict[str, object]:
    """What a file of torch.save holds, tensors and plain values alone: no program in it is run.

    Raises:
        CheckpointError: it holds something else, or is damaged.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than tensors, maybe a program: it was not opened, and should be deleted."
        ) from error
    except (
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        AttributeError,
        IndexError,
        TypeError,
    ) as error:
        raise CheckpointError(
            f"{path} cannot be read as weights of PyTorch ({error}): delete it and try again."
        ) from error
