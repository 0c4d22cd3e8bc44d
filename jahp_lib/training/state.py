"""Lesson 12. Everything a run needs to go on, in one file: weights, optimiser, counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jahp_lib.checkpoints import load_weights, read_tensors, write_tensors
from jahp_lib.training.extras.divergence import LossWatch
from jahp_lib.training.loop import Trainer
from jahp_lib.training.records import EpochRecord
from jahp_lib.training.settings import MAY_CHANGE, Settings, TrainingError

STATE_FORMAT = "jahp-training-1"


# ---------------------------------------------------------------------------------------------------


def save_state(trainer: Trainer, path: Path) -> None:
    """Write everything needed to go on (weights, optimiser, counters) to one safetensors file, whole or not
    at all.
    """
    tensors = {f"model.{name}": tensor for name, tensor in trainer.model.state_dict().items()}
    if trainer.average is not None:
        tensors |= {f"average.{name}": tensor for name, tensor in trainer.average.state().items()}
    plain = _flatten(trainer.optimizer.state_dict(), "optimizer", tensors)
    header = {
        "format": STATE_FORMAT,
        "settings": asdict(trainer.settings),
        "source": trainer.source,
        "step": trainer.step,
        "seconds": trainer.seconds,
        "sums": trainer.sums.tolist(),
        "multiplier": trainer.multiplier.state(),
        "watch": trainer.watch.state(),
        "history": [asdict(record) for record in trainer.history],
        "optimizer": plain,
    }
    write_tensors(path, tensors, header)


def restore_state(trainer: Trainer, path: Path) -> list[str]:
    """Go back to what ``save_state`` wrote; returns which settings of the learning rate are others than
    before, in words.

    Raises:
        TrainingError: it belongs to a run with other settings, or that learns from something else.
        CheckpointError: the file cannot be read.
    """
    tensors, header = read_tensors(path, STATE_FORMAT)
    changes = _changed_settings(trainer.settings, header["settings"], path.parent)
    _check_source(trainer.source, header.get("source", ""), path.parent)
    load_weights(trainer.model, _under("model.", tensors), str(path))
    if trainer.average is not None:
        trainer.average.restore(_under("average.", tensors))
    _restore_optimizer(trainer.optimizer, tensors, header)
    trainer.multiplier.restore(header["multiplier"])
    trainer.step, trainer.sums = header["step"], np.array(header["sums"])
    trainer.history = [EpochRecord(**record) for record in header["history"]]
    trainer.seconds = header.get("seconds", 0.0)
    trainer.watch = LossWatch()
    if not changes:  # with other steps the losses before say little about those to come
        trainer.watch.restore(header.get("watch", {}))
    return changes


def _changed_settings(here: Settings, there: Mapping[str, object], folder: Path) -> list[str]:
    """Which of the settings that may change have changed, in words. What an older version did not know had
    its default.
    """
    usual = {field.name: field.default for field in fields(Settings)}
    unknown = sorted(there.keys() - usual.keys())
    if unknown:
        raise TrainingError(
            f"{folder} holds a run with settings unknown here ({', '.join(unknown)}): a newer version made "
            "it. "
            "Update, or use another run folder."
        )
    changed = {
        name: f"{name} {there.get(name, usual[name])!r} there, {value!r} here"
        for name, value in asdict(here).items()
        if value != there.get(name, usual[name])
    }
    others = [words for name, words in changed.items() if name not in MAY_CHANGE]
    if others:
        raise TrainingError(
            f"{folder} holds a run with other settings ({'; '.join(others)}). Use another run folder, or the "
            "same settings."
        )
    return list(changed.values())


def _check_source(here: str, there: str, folder: Path) -> None:
    if here and there and here != there:
        raise TrainingError(
            f"{folder} holds a run that learns from something else ({there}; here {here}). Use another run "
            "folder, or the "
            "same photos and options."
        )


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _flatten(value: object, name: str, tensors: dict[str, Tensor]) -> object:
    """``value`` as JSON takes it: every tensor in it moves to ``tensors`` under a name, which stays in its
    place.
    """
    if isinstance(value, Tensor):
        tensors[name] = value
        return {"tensor": name, "strides": list(value.stride())}
    if isinstance(value, Mapping):
        return {"pairs": [[key, _flatten(item, f"{name}.{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        items = [_flatten(item, f"{name}.{index}", tensors) for index, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    return value


def _unflatten(value: object, tensors: Mapping[str, Tensor]) -> object:
    """What ``_flatten`` took apart."""
    if isinstance(value, list):
        return [_unflatten(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        # as it lay in memory: row by row or otherwise, sums come out different in their last bits
        tensor = tensors[value["tensor"]]
        return torch.empty_strided(tensor.shape, value["strides"], dtype=tensor.dtype).copy_(tensor)
    if "tuple" in value:
        return tuple(_unflatten(item, tensors) for item in value["tuple"])
    return {key: _unflatten(item, tensors) for key, item in value["pairs"]}


def _restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], header: Mapping[str, object]
) -> None:
    fresh = optimizer.state_dict()
    if "optimizer" in header:
        saved: Any = _unflatten(header["optimizer"], tensors)
    else:  # written by an older version, which knew Adam only
        saved = {"state": {}, "param_groups": fresh["param_groups"]}
        parameters = optimizer.param_groups[0]["params"]
        for name, tensor in _under("adam.", tensors).items():
            index, key = name.split(".")
            if tensor.shape == parameters[int(index)].shape:  # averages lie in memory as their parameter does
                tensor = torch.empty_like(parameters[int(index)]).copy_(tensor)
            saved["state"].setdefault(int(index), {})[key] = tensor
    # options are those of this run (fused or not, say); what the optimiser counts there goes on
    groups = zip(fresh["param_groups"], saved["param_groups"], strict=True)
    state = {"state": saved["state"], "param_groups": [{**there, **here} for here, there in groups]}
    optimizer.load_state_dict(state)
