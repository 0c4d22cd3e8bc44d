"""Lesson 12. The folder of a run: its state, snapshots, history and weights; going on where it was stopped.

state.safetensors    everything needed to go on, written about once a minute
model.safetensors    the weights after the last epoch
best.safetensors     those of the epoch with the least loss on the validation set, where there is one
history.json         settings and the record of each epoch
snapshots/           what the model made of one photo, step by step
"""

from __future__ import annotations

import json
import math
import os
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jahp_lib.checkpoints import load_weights, read_tensors, save, write_tensors
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.snapshots import take_snapshot
from jahp_lib.training.extras.divergence import LossWatch
from jahp_lib.training.loop import Callback, Trainer
from jahp_lib.training.records import EpochRecord
from jahp_lib.training.settings import MAY_CHANGE, Settings, TrainingError

STATE = "state.safetensors"
STATE_FORMAT = "jahp-training-1"
SNAPSHOT_GROWTH = 1.4  # from one snapshot to the next, where they are spaced evenly in log time


def run(
    trainer: Trainer,
    folder: str | Path,
    photo: Tensor,
    snapshot_lmbda: float | None = None,
    save_every: float = 60.0,
    progress: bool = True,
    snapshots: str = "epochs",
) -> None:
    """Train to the end, or go on with what ``folder`` holds: snapshots, ``history.json``,
    ``model.safetensors`` and the state.

    Args:
        photo: the fixed photo [1, 3, H, W] of the snapshots, in [0, 1].
        snapshot_lmbda: the λ shown in snapshots, where a model takes every λ.
        save_every: seconds between two writings of the state, at the most; each epoch is written besides.
        snapshots: "epochs" for one after each epoch, "log" for steps 0, 1, 2, 3, 5, 7, 10, … spaced evenly in
            log time.

    Raises:
        TrainingError: another training uses the folder, it holds another run, or training has diverged.
        CheckpointError: the state in the folder cannot be read.
        ValueError: ``snapshots`` is another word.
    """
    if snapshots not in ("epochs", "log"):
        raise ValueError(f"snapshots must be 'epochs' or 'log', not {snapshots!r}.")
    folder = Path(folder)
    (folder / "snapshots").mkdir(parents=True, exist_ok=True)
    with locked(folder) if trainer.processes.first else _unlocked():
        files = RunFolder(trainer, folder, photo, snapshot_lmbda, save_every, snapshots)
        if files.state.exists():
            changes = restore_state(trainer, files.state)
            if progress and trainer.processes.first:
                files.say_where_it_goes_on(changes)
        files.make_up_for_missing_snapshot()
        trainer.callbacks.append(files)
        try:
            for _ in trainer.epochs(progress):
                pass
        except KeyboardInterrupt:
            if trainer.settled:
                files.save_state()
            raise
        finally:
            trainer.callbacks.remove(files)
        files.write_results()


class RunFolder(Callback):
    """Writes what a run leaves in its folder; only the first of several processes writes anything."""

    def __init__(
        self,
        trainer: Trainer,
        folder: Path,
        photo: Tensor,
        snapshot_lmbda: float | None,
        save_every: float,
        snapshots: str,
    ) -> None:
        self.trainer, self.folder, self.state = trainer, folder, folder / STATE
        self.photo = photo.to(trainer.device)
        self.lmbda = trainer.settings.lmbda if snapshot_lmbda is None else snapshot_lmbda
        self.save_every, self.in_log_time = save_every, snapshots == "log"
        self.saved = time.monotonic()

    def say_where_it_goes_on(self, changes: list[str]) -> None:
        trainer, minutes = self.trainer, self.trainer.settings.minutes
        print(
            f"Going on with {self.folder} at step {trainer.step} of {trainer.settings.steps}."
            if minutes is None
            else f"Going on with {self.folder} at step {trainer.step}, after {trainer.seconds / 60:.1f} of "
            f"{minutes:g} minutes."
        )
        if changes:
            print(f"From here on with another {'; '.join(changes)}.")

    def after_step(self, trainer: Trainer) -> None:
        epoch_ended = trainer.steps_of_epoch == 0
        if epoch_ended or time.monotonic() - self.saved > self.save_every:
            self.save_state()
        if self.in_log_time and is_log_spaced(trainer.step):
            self.take_snapshot()

    def after_epoch(self, trainer: Trainer, record: EpochRecord) -> None:
        if not self.in_log_time or trainer.is_over:
            self.take_snapshot()
        self.write_results()

    def make_up_for_missing_snapshot(self) -> None:
        """Step 0 has a snapshot too; and the last one is missing if the run was killed after its state was
        written.
        """
        trainer = self.trainer
        due = is_log_spaced(trainer.step) if self.in_log_time else trainer.steps_of_epoch == 0
        if due and (trainer.step == 0 or not self.snapshot_file().exists()):
            self.take_snapshot()

    def snapshot_file(self) -> Path:
        name = (
            f"step_{self.trainer.step:08d}" if self.in_log_time else f"epoch_{len(self.trainer.history):04d}"
        )
        return self.folder / "snapshots" / f"{name}.npz"

    def take_snapshot(self) -> None:
        trainer = self.trainer
        if trainer.processes.first:
            epoch = len(trainer.history)
            take_snapshot(trainer.result, self.photo, self.lmbda, epoch, trainer.step).save(
                self.snapshot_file()
            )

    def save_state(self) -> None:
        """Write the state, unless what is on disk is better: the loss went up too far, or weights are not
        finite.
        """
        if self.trainer.processes.first and self.is_good():
            save_state(self.trainer, self.state)
            self.saved = time.monotonic()

    def is_good(self) -> bool:
        finite = all(bool(torch.isfinite(values).all()) for values in self.trainer.model.parameters())
        return self.trainer.watch.healthy and finite

    def write_results(self) -> None:
        """Write model, history, and the best model if it is this one; a model that has gone astray is not
        written.
        """
        trainer = self.trainer
        if not trainer.processes.first:
            return
        settings = asdict(trainer.settings)
        average = (
            f"moving average with decay {trainer.settings.ema:g}"
            if trainer.settings.ema
            else "of the last step"
        )
        card = {"settings": settings, "steps_done": trainer.step, "weights": average}
        if self.is_good():
            save(trainer.result, self.folder / "model.safetensors", card=card)
            losses = [record.validation for record in trainer.history if record.validation is not None]
            if losses and trainer.history[-1].validation == min(losses):
                best = {**card, "epoch": len(trainer.history), "validation": min(losses)}
                save(trainer.result, self.folder / "best.safetensors", card=best)
        history = [asdict(record) for record in trainer.history]
        text = json.dumps({**card, "seconds": round(trainer.seconds, 1), "history": history}, indent=1)
        write_whole(self.folder / "history.json", f"{text}\n".encode())


def is_log_spaced(step: int) -> bool:
    """Whether a step is one of 0, 1, 2, 3, 5, 7, 10, 14, 20, …: each ``SNAPSHOT_GROWTH`` times the last one,
    rounded up.
    """
    due = 0
    while due < step:
        due = max(due + 1, math.ceil(due * SNAPSHOT_GROWTH))
    return due == step


# --- one training at a time
# --------------------------------------------------------------------------------------------------


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep ``folder`` for this process; the system lets go of it when the process ends, however it ends.

    Raises:
        TrainingError: another process has it.
    """
    handle = _open_lock(folder)
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def _unlocked() -> Iterator[None]:
    yield


def _open_lock(folder: Path) -> int:
    """The handle that holds the lock; closing it gives the lock back."""
    try:
        import fcntl
    except ImportError:  # Windows cannot lock a folder, so there it is a file in it
        return _open_lock_on_windows(folder)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise _in_use(folder) from None
    except OSError as error:
        warnings.warn(
            f"The disk of {folder} has no locks ({error.strerror}): take care that no second training uses "
            "this folder.",
            stacklevel=3,
        )
    return handle


def _open_lock_on_windows(folder: Path) -> int:
    import msvcrt

    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        os.close(handle)
        raise _in_use(folder) from None
    return handle


def _in_use(folder: Path) -> TrainingError:
    return TrainingError(
        f"Another training is writing to {folder}. Wait until it has ended, or use another run folder "
        "(--run)."
    )


# --- stopping and going on
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
        return {"tensor": name}
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
        return tensors[value["tensor"]]
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
        for name, tensor in _under("adam.", tensors).items():
            index, key = name.split(".")
            saved["state"].setdefault(int(index), {})[key] = tensor
    # options are those of this run (fused or not, say); what the optimiser counts there goes on
    groups = zip(fresh["param_groups"], saved["param_groups"], strict=True)
    state = {"state": saved["state"], "param_groups": [{**there, **here} for here, there in groups]}
    parameters = optimizer.param_groups[0]["params"]
    for index, values in state["state"].items():
        for key, value in values.items():
            # a fused optimiser wants averages that lie in memory as their parameter does
            if isinstance(value, Tensor) and value.shape == parameters[index].shape:
                values[key] = torch.empty_like(parameters[index]).copy_(value)
    optimizer.load_state_dict(state)
