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
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from jahp_lib.checkpoints import load, save
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.snapshots import load_snapshots, take_snapshot
from jahp_lib.training.extras.divergence import DIVERGED, UNCOMPRESSED, loss_of_black
from jahp_lib.training.extras.lock import locked
from jahp_lib.training.loop import Callback, Trainer
from jahp_lib.training.records import EpochRecord
from jahp_lib.training.state import restore_state, save_state

STATE = "state.safetensors"
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
            log time, all with the channels of y that are strongest at the end; weights are kept beside them
            for that.

    Raises:
        TrainingError: another training uses the folder, it holds another run, or training has diverged.
        CheckpointError: the state in the folder cannot be read.
        ValueError: ``snapshots`` is another word.
    """
    if snapshots not in ("epochs", "log"):
        raise ValueError(f"snapshots must be 'epochs' or 'log', not {snapshots!r}.")
    folder = Path(folder)
    (folder / "snapshots").mkdir(parents=True, exist_ok=True)
    with locked(folder) if trainer.processes.first else nullcontext():
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
        if snapshots == "log" and trainer.processes.first:
            files.follow_channels()


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
        self._judged, self._best_of_photo = (-1, True), math.inf

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
            shot = take_snapshot(trainer.result, self.photo, self.lmbda, epoch, trainer.step)
            shot.save(self.snapshot_file())
            if self.in_log_time:
                save(trainer.result, self.snapshot_file().with_suffix(".safetensors"), precision="float16")

    def follow_channels(self) -> None:
        """Take all snapshots again from the weights kept for it, with the channels that are strongest at the
        end.
        """
        shots = load_snapshots(self.folder)
        for shot in shots[:-1]:
            file = self.folder / "snapshots" / f"step_{shot.step:08d}.npz"
            if list(shot.channels) != list(shots[-1].channels):
                model = load(file.with_suffix(".safetensors")).to(self.photo.device)
                channels = shots[-1].channels.tolist()
                take_snapshot(model, self.photo, self.lmbda, shot.epoch, shot.step, channels).save(file)

    def save_state(self) -> None:
        """Write the state, unless what is on disk is better: the loss went up too far, or weights are not
        finite.
        """
        if self.trainer.processes.first and self.is_good():
            save_state(self.trainer, self.state)
            self.saved = time.monotonic()

    def is_good(self) -> bool:
        """Whether the weights as they are now deserve to be kept: they are finite, the loss has not gone up
        far, and the photo of the snapshots comes through the model. The last step may have spoilt weights
        whose loss was still good before it.
        """
        trainer = self.trainer
        if self._judged[0] != trainer.step:
            self._judged = trainer.step, trainer.watch.healthy and self._photo_comes_through()
        return self._judged[1]

    def _photo_comes_through(self) -> bool:
        model = self.trainer.model
        if not all(bool(torch.isfinite(values).all()) for values in model.parameters()):
            return False
        model.eval()
        with torch.inference_mode():
            loss = rate_distortion_loss(model(self.photo, self.lmbda), self.photo, self.lmbda).loss.item()
        model.train()
        self._best_of_photo = min(self._best_of_photo, loss)
        return loss <= min(loss_of_black(self.lmbda), max(DIVERGED * self._best_of_photo, UNCOMPRESSED))

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
    """Whether a step is one of 0, 1, 2, 3, 5, 7, 10, …: each 1.4 times the last one, rounded up."""
    due = 0
    while due < step:
        due = max(due + 1, math.ceil(due * SNAPSHOT_GROWTH))
    return due == step
