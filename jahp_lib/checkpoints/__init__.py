"""Weights in files: safetensors with the model's configuration in the header, written whole or not at all,
never pickle.
"""

from __future__ import annotations

import re
from pathlib import Path

from jahp_lib.checkpoints.compressai import from_compressai
from jahp_lib.checkpoints.files import (
    FORMAT,
    MODELS,
    PRECISIONS,
    CheckpointError,
    build,
    build_with,
    load_weights,
    read_tensors,
    save,
    write_tensors,
)
from jahp_lib.checkpoints.published_weights import download_weights, known_names, published
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate
from jahp_lib.weights import FOLDER as SHIPPED

__all__ = [
    "FORMAT",
    "MODELS",
    "PRECISIONS",
    "CheckpointError",
    "build",
    "download_weights",
    "from_compressai",
    "load",
    "load_weights",
    "published",
    "read_tensors",
    "save",
    "write_tensors",
]


def load(name_or_path: str | Path) -> LatentModel | VariableRate:
    """A model in evaluation mode, from a file that ``save`` wrote or by name.

    Names are those of the course's own weights (``"small"``), and of those that CompressAI publishes
    (``"mbt2018-mse-4"``), which are fetched when they are first asked for.

    Raises:
        CheckpointError: no such name or file, the file is damaged, or of another architecture than it says.
        NoNetworkError: the weights are to be fetched, and cannot be.
    """
    path = Path(name_or_path)
    if not path.is_file() and re.fullmatch(r"[A-Za-z0-9_-]+", str(name_or_path)):
        path = _file_called(str(name_or_path))
    tensors, header = read_tensors(path, FORMAT)
    return build_with(header.get("config", {}), tensors, str(path), header.get("precision"))


def _file_called(name: str) -> Path:
    shipped = SHIPPED / f"{name}.safetensors"
    if shipped.is_file():
        return shipped
    if name in published():
        return download_weights(name)
    known = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
    raise CheckpointError(
        f"There is neither a file nor a shipped checkpoint called {name!r}; shipped with this version: "
        f"{', '.join(known) or 'none yet'}; published by CompressAI and fetched when asked for: "
        f"{known_names()}."
    )
