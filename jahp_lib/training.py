"""Lesson 9. The training loop: Adam on the Lagrangian, snapshots after each epoch, stopped and continued at any point.

Every random choice of a step (patches, flips, λ, quantisation noise) is made from ``(seed, step, part)`` alone, where a part is
one process's share of the batch. So a run that was stopped goes on exactly where it was, and two processes with one part each do
what one process does with two.

    jahp train PHOTOS --run runs/mine
    torchrun --nproc-per-node 2 -m jahp_lib.training PHOTOS --parts 2 --run-folder runs/mine
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from jahp_lib.checkpoints import MODELS, build, load, load_weights, read_tensors, save, write_tensors
from jahp_lib.factorized import update_medians
from jahp_lib.linear_start import start_linear
from jahp_lib.multipliers import Constant, LogAscent, ModifiedDifferential, Multiplier, OnlyGrows, contrast
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.one_photo import open_photo, sample_photos, to_float, to_tensor
from jahp_lib.photos.patches import PhotoFolder, Source, mixed, photo_files, sample_set, stratified
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.rate_distortion import check_lmbda, rate_distortion_loss
from jahp_lib.snapshots import take_snapshot
from jahp_lib.variable_rate import LMBDA_MAX, LMBDA_MIN

LINEAR_START_PATCHES = 256
STATE = "state.safetensors"  # in a run's folder: everything needed to go on
STATE_FORMAT = "jahp-training-1"
MULTIPLIER_JOURNEY, MULTIPLIER_MEMORY = 160.0, 0.8


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """All that decides what a run makes of its photos. The same settings and photos on the same machine give the same weights.

    ``lmbda`` weighs distortion on the scale of 8-bit images (published: 0.0018 to 0.18); with ``lmbda_max`` above it, every image
    draws its own λ log-uniformly between the two, for ``VariableRate``. The loss is in bits per pixel.
    ``multiplier`` names who chooses λ from there on (lesson 8): "constant", "only-grows", or with one target "log-ascent" or
    "modified-differential". ``batch`` counts images a step over all processes and ``parts``; ``patch`` is in pixels. With
    ``mixed_quantization`` the synthesis is trained on rounded latents, bits on noisy ones (``models.LatentModel``). With
    ``linear_start`` the transforms start as the best linear block transform of the photos, not at random (``linear_start``). With
    ``entropy_model_only`` g_a, g_s and the gains stay as they are: the same pictures, and fewer bits (good for large patches, later).
    """

    architecture: str = "JointModel"
    N: int = 192
    M: int = 192
    lmbda: float = 0.013
    lmbda_max: float | None = None
    epochs: int = 10
    steps_per_epoch: int = 1000
    batch: int = 8
    parts: int = 1
    patch: int = 256
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    final_learning_rate: float = 1e-6
    clip: float = 1.0
    seed: int = 0
    bfloat16: bool = False
    mixed_quantization: bool = False
    linear_start: bool = False
    entropy_model_only: bool = False
    multiplier: str = "constant"
    target_bpp: float | None = None
    target_psnr: float | None = None

    def __post_init__(self) -> None:
        check_lmbda(self.lmbda)
        if self.lmbda_max is not None and not (math.isfinite(self.lmbda_max) and self.lmbda_max > self.lmbda):
            raise ValueError(
                f"lmbda_max must be above lmbda ({self.lmbda}) and finite, not {self.lmbda_max}."
            )
        if self.architecture not in MODELS:
            raise ValueError(f"architecture must be one of {', '.join(MODELS)}, not {self.architecture!r}.")
        for name in ("N", "M", "epochs", "steps_per_epoch", "batch", "parts", "patch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        self.make_multiplier()
        if self.multiplier != "constant" and self.lmbda_max is not None:
            raise ValueError(
                "A model for every lmbda draws it at random: a multiplier other than 'constant' needs lmbda_max left out."
            )
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate must be finite and above 0, not {self.learning_rate}.")
        if not (math.isfinite(self.final_learning_rate) and self.final_learning_rate >= 0):
            raise ValueError(
                f"final_learning_rate must be finite and at least 0, not {self.final_learning_rate}."
            )
        if self.warmup_steps < 0:
            raise ValueError(f"warmup_steps must be at least 0, not {self.warmup_steps}.")
        if not self.clip > 0:  # infinity clips nothing
            raise ValueError(
                f"clip is the greatest length of a gradient and must be above 0, not {self.clip}."
            )
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"seed must be at least 0 and below 2**64, not {self.seed}.")
        if self.linear_start and self.patch < 16:
            raise ValueError(
                f"A linear start is fitted to blocks of 16x16 pixels; patches of {self.patch} are too small."
            )
        if self.batch % self.parts:
            raise ValueError(f"A batch of {self.batch} cannot be divided into {self.parts} equal parts.")

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def config(self) -> dict[str, str | int | bool]:
        """The configuration of the model that is trained, as ``checkpoints.build`` takes it."""
        variable = {} if self.lmbda_max is None else {"variable_rate": True}
        return {"architecture": self.architecture, "N": self.N, "M": self.M, "padding": "same", **variable}

    def make_multiplier(self) -> Multiplier:
        """A fresh multiplier as the settings say.

        A target's multiplier has a step size for which a violation of 1 in all steps would move ln λ by ``MULTIPLIER_JOURNEY``:
        slow against the model, which needs some hundred steps to follow λ, or the two swing; fast against the whole run.

        Raises:
            ValueError: the name is unknown, a target is missing, superfluous, or not above 0.
        """
        if self.target_psnr is not None and not 0 < self.target_psnr < 100:
            raise ValueError(
                f"target_psnr is in dB, between 0 and 100 (photos: 25 to 45), not {self.target_psnr}."
            )
        goals = {
            "bpp": self.target_bpp,
            "mse": None if self.target_psnr is None else 10 ** (-self.target_psnr / 10),
        }
        given = {name: value for name, value in goals.items() if value is not None}
        with_target = {"log-ascent": LogAscent, "modified-differential": ModifiedDifferential}
        if self.multiplier in with_target:
            if len(given) != 1:
                raise ValueError(
                    f"The multiplier {self.multiplier!r} needs one target: target_bpp or target_psnr."
                )
            if self.patch < 2:
                raise ValueError("A multiplier with a target needs patches of at least 2x2 pixels, not 1.")
            return with_target[self.multiplier](
                self.lmbda, rate=min(0.04, MULTIPLIER_JOURNEY / self.steps), memory=MULTIPLIER_MEMORY, **given
            )
        without = {"constant": Constant, "only-grows": OnlyGrows}
        if self.multiplier not in without:
            raise ValueError(
                f"multiplier must be one of {', '.join([*without, *with_target])}, not {self.multiplier!r}."
            )
        if given:
            raise ValueError(
                f"The multiplier {self.multiplier!r} has no target; log-ascent and modified-differential have one."
            )
        return without[self.multiplier](self.lmbda)

    def learning_rate_at(self, step: int) -> float:
        """Linear warm-up, then half a cosine down to ``final_learning_rate`` at the last step."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        swing = (self.learning_rate - self.final_learning_rate) / 2
        return self.final_learning_rate + swing * (1 + math.cos(math.pi * min(1.0, progress)))

    def randomness(self, step: int, part: int) -> tuple[np.random.Generator, int]:
        """A numpy generator for the data of one part of one step, and a seed for torch's noise."""
        sequence = np.random.SeedSequence([self.seed, step, part])
        return np.random.default_rng(sequence), int(sequence.generate_state(1, np.uint64)[0] >> 1)


@dataclass(frozen=True)
class EpochRecord:
    """Means over one epoch's steps: ``loss`` and ``bpp`` in bit/pixel, ``psnr`` in dB (of the mean error), and speed; λ at its end."""

    epoch: int
    step: int
    loss: float
    bpp: float
    psnr: float
    images_per_second: float
    lmbda: float


class Trainer:
    """A model, its optimiser and how far they have come.

    Args:
        settings: what to train.
        draw: where patches come from, ``draw(count, rng)`` -> uint8 [count, 3, patch, patch]; ``PhotoSet.batch`` is one.
        device: where to compute. Under torchrun the processes of one run split the parts of each batch among themselves.
        start: weights to start from instead of fresh ones.
        compiled: run the model through torch.compile.
        goes_on: ``restore_state`` follows, so no time is spent on a linear start.
        source: what it learns from, in words; a run goes on only with the same.

    Use it as ``for record in Trainer(settings, photos.batch).epochs(): ...``; ``model`` is the model.
    """

    def __init__(
        self,
        settings: Settings,
        draw: Source,
        device: str | torch.device = "cpu",
        start: nn.Module | None = None,
        compiled: bool = False,
        goes_on: bool = False,
        source: str = "",
    ) -> None:
        self.settings, self.draw, self.device, self.source = settings, draw, torch.device(device), source
        self.rank, self.world = (
            (distributed.get_rank(), distributed.get_world_size()) if distributed.is_initialized() else (0, 1)
        )
        if settings.parts % self.world:
            raise TrainingError(
                f"{settings.parts} parts of a batch cannot be shared by {self.world} processes: set parts to a multiple."
            )
        torch.manual_seed(settings.seed)
        self.model = build(settings.config)
        if settings.linear_start and start is None and not goes_on:
            rng, _ = settings.randomness(settings.steps, 0)  # of a step that never comes
            patches = to_float(draw(LINEAR_START_PATCHES, rng).cpu())
            # the λ whose gain is 1 before training, where there are gains
            middle = settings.lmbda if settings.lmbda_max is None else math.sqrt(LMBDA_MIN * LMBDA_MAX)
            start_linear(
                self.model.base,
                patches[..., : settings.patch // 16 * 16, : settings.patch // 16 * 16],
                middle,
            )
        if start is not None:
            load_weights(self.model, start.state_dict(), "The model to start from")
        self.model.base.rounds_in_training = settings.mixed_quantization
        if settings.entropy_model_only:
            for name, parameter in self.model.named_parameters():
                parameter.requires_grad_(
                    not {"g_a", "g_s", "gain", "inverse_gain"}.intersection(name.split("."))
                )
        self.model.to(self.device, memory_format=torch.channels_last).train()
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.Adam(
            trained, lr=settings.learning_rate, fused=self.device.type == "cuda"
        )
        self.multiplier = settings.make_multiplier()
        self.step = 0
        self.history: list[EpochRecord] = []
        self._sums = np.zeros(4)  # loss, bpp, mse, seconds of the epoch so far
        self.settled = True  # False from the change of the weights until it is counted: a state saved there would repeat the step
        runner = DistributedDataParallel(self.model) if self.world > 1 else self.model
        self._runner = torch.compile(runner) if compiled else runner

    def epochs(
        self, progress: bool = True, on_step: Callable[[Trainer], None] | None = None
    ) -> Iterator[EpochRecord]:
        """Train from where the run is to its end; yields the record of each epoch as it ends.

        Raises:
            TrainingError: the loss is no longer finite.
        """
        settings = self.settings
        with tqdm(
            total=settings.steps,
            initial=self.step,
            desc="training",
            unit="step",
            disable=not progress or self.rank > 0,
        ) as bar:
            while self.step < settings.steps:
                started = time.perf_counter()
                loss = self._train_step()
                loss_value, bpp, mse, busy, gradient = (
                    loss.tolist()
                )  # also waits for the GPU, so that the time below is the step's
                if not math.isfinite(loss_value + gradient):
                    raise TrainingError(
                        f"The loss is {loss_value} at step {self.step}: training has diverged (its gradient is {gradient} long). "
                        "Lower the learning rate "
                        f"(now {settings.learning_rate_at(self.step):.2g}) or clip gradients harder (now {settings.clip:g})."
                    )
                self.multiplier.update(bpp, mse, busy)
                self._sums += (loss_value, bpp, mse, time.perf_counter() - started)
                self.step += 1
                bar.update()
                done = self.step % settings.steps_per_epoch or settings.steps_per_epoch
                if done % 10 == 0 or done == settings.steps_per_epoch:
                    record = self._record(done)
                    bar.set_postfix_str(
                        f"loss {record.loss:.3f}, {record.bpp:.3f} bpp, {record.psnr:.2f} dB, {record.images_per_second:.1f} images/s"
                    )
                if done == settings.steps_per_epoch:
                    self.history.append(record)
                    self._sums[:] = 0
                    update_medians(self.model)
                self.settled = True
                if on_step is not None:
                    on_step(self)
                if done == settings.steps_per_epoch:
                    yield record

    def _train_step(self) -> Tensor:
        """One optimiser step over this process's parts of the batch.

        Returns loss, bpp, mse and contrast, averaged over all parts, and the length of the gradient before it was clipped: [5].
        """
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate_at(self.step)
        self.optimizer.zero_grad(set_to_none=True)
        mine = range(self.rank, settings.parts, self.world)
        figures = torch.zeros(4, device=self.device)
        for part in mine:
            rng, noise_seed = settings.randomness(self.step, part)
            count = settings.batch // settings.parts
            x = to_float(self.draw(count, rng).to(self.device, non_blocking=True)).contiguous(
                memory_format=torch.channels_last
            )
            lmbda = self._draw_lmbda(count, rng)
            torch.manual_seed(noise_seed)
            # processes exchange gradients once a step: after the last part, when those of all parts are added up
            with self._runner.no_sync() if self.world > 1 and part != mine[-1] else nullcontext():
                with torch.autocast(self.device.type, torch.bfloat16, enabled=settings.bfloat16):
                    out = self._runner(x, lmbda)
                    parts = rate_distortion_loss(out, x, lmbda, self._balance(lmbda))
                (parts.loss / len(mine)).backward()
            figures += torch.stack((parts.loss, parts.bpp, parts.mse, contrast(x))).detach() / len(mine)
        gradient = nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip)
        self.settled = False
        self.optimizer.step()
        if self.world > 1:
            distributed.all_reduce(figures)
            figures /= self.world
        return torch.cat((figures, gradient.detach().float().reshape(1)))

    def _balance(self, lmbda: float | Tensor) -> Tensor | None:
        """How much an image counts where each has its own λ: as λ^(-1/2), 1 in the middle of the range.

        At its optimum the Lagrangian grows about as λ^(1/2) (a hundred times λ, nine times the loss, on Kodak); without the weights
        the images of large λ would decide nearly alone what a step does.
        """
        if not isinstance(lmbda, Tensor):
            return None
        return (lmbda / math.sqrt(self.settings.lmbda * self.settings.lmbda_max)) ** -0.5

    def _draw_lmbda(self, count: int, rng: np.random.Generator) -> float | Tensor:
        if self.settings.lmbda_max is None:
            return self.multiplier.value
        low, high = math.log(self.settings.lmbda), math.log(self.settings.lmbda_max)
        logs = low + (high - low) * stratified(
            count, rng
        )  # each image's λ log-uniform, a batch's spread over the range
        return torch.tensor(np.exp(logs), dtype=torch.float32, device=self.device)

    def _record(self, done: int) -> EpochRecord:
        loss, bpp, mse = self._sums[:3] / done
        speed = done * self.settings.batch / self._sums[3]
        return EpochRecord(
            (self.step - 1) // self.settings.steps_per_epoch + 1,
            self.step,
            float(loss),
            float(bpp),
            10 * math.log10(1 / max(mse, 1e-20)),
            float(speed),
            self.multiplier.value,
        )

    # --- stopping and going on ---

    def save_state(self, path: Path) -> None:
        """Write everything needed to go on (weights, optimiser, counters) to one safetensors file, whole or not at all."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        header = {
            "format": STATE_FORMAT,
            "settings": asdict(self.settings),
            "source": self.source,
            "step": self.step,
            "sums": self._sums.tolist(),
            "multiplier": self.multiplier.state(),
            "history": [asdict(record) for record in self.history],
        }
        write_tensors(path, tensors, header)

    def restore_state(self, path: Path) -> None:
        """Go back to what ``save_state`` wrote.

        Raises:
            TrainingError: it belongs to a run with other settings, or that learns from something else.
            CheckpointError: the file cannot be read.
        """
        tensors, header = read_tensors(path, STATE_FORMAT)
        ours, theirs = asdict(self.settings), header["settings"]
        changed = [
            f"{name} {theirs.get(name)!r} there, {ours[name]!r} here"
            for name in ours
            if ours[name] != theirs.get(name)
        ]
        if changed:
            raise TrainingError(
                f"{path.parent} holds a run with other settings ({'; '.join(changed)}). Use another run folder, or the same settings."
            )
        source = header.get("source")
        if source and self.source and source != self.source:
            raise TrainingError(
                f"{path.parent} holds a run that learns from something else ({source}; here {self.source}). Use another run folder, or the "
                "same photos and options."
            )
        load_weights(
            self.model,
            {k.removeprefix("model."): t for k, t in tensors.items() if k.startswith("model.")},
            str(path),
        )
        states: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("adam."):
                _, index, key = name.split(".")
                states.setdefault(int(index), {})[key] = tensor
        parameters = self.optimizer.param_groups[0]["params"]
        for (
            index,
            state,
        ) in states.items():  # a fused optimiser wants averages that lie in memory as their parameter does
            for key, value in state.items():
                if value.shape == parameters[index].shape:
                    state[key] = torch.empty_like(parameters[index]).copy_(value)
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": states})
        self.multiplier.restore(header["multiplier"])
        self.step = header["step"]
        self._sums = np.array(header["sums"])
        self.history = [EpochRecord(**record) for record in header["history"]]


def run(
    trainer: Trainer,
    folder: str | Path,
    photo: Tensor,
    snapshot_lmbda: float | None = None,
    save_every: float = 60.0,
    progress: bool = True,
) -> None:
    """Train to the end, or go on with what ``folder`` holds: snapshots, ``history.json``, ``model.safetensors`` and the state.

    Args:
        photo: the fixed photo [1, 3, H, W] of the snapshots, in [0, 1].
        snapshot_lmbda: the λ shown in snapshots, where a model takes every λ.
        save_every: seconds between two writings of the state, at the most; each epoch is written besides.
    """
    folder = Path(folder)
    (folder / "snapshots").mkdir(parents=True, exist_ok=True)
    state, main = folder / STATE, trainer.rank == 0
    settings, photo = trainer.settings, photo.to(trainer.device)
    lmbda = settings.lmbda if snapshot_lmbda is None else snapshot_lmbda
    if state.exists():
        trainer.restore_state(state)
        if progress and main:
            print(f"Going on with {folder} at step {trainer.step} of {settings.steps}.")
    saved = time.monotonic()

    def keep(at: Trainer) -> None:
        nonlocal saved
        if main and (at.step % settings.steps_per_epoch == 0 or time.monotonic() - saved > save_every):
            at.save_state(state)
            saved = time.monotonic()

    def snapshot_file(epoch: int) -> Path:
        return folder / "snapshots" / f"epoch_{epoch:04d}.npz"

    def snapshot(epoch: int) -> None:
        take_snapshot(trainer.model, photo, lmbda, epoch, trainer.step).save(snapshot_file(epoch))

    epoch, rest = divmod(trainer.step, settings.steps_per_epoch)
    if (
        main and rest == 0 and (epoch == 0 or not snapshot_file(epoch).exists())
    ):  # missing: killed after the state was written
        snapshot(epoch)
    try:
        for record in trainer.epochs(progress, keep):
            if main:
                snapshot(record.epoch)
                _write_results(trainer, folder)
    except KeyboardInterrupt:
        if main and trainer.settled:
            trainer.save_state(state)
        raise
    if main:
        _write_results(trainer, folder)


def _write_results(trainer: Trainer, folder: Path) -> None:
    card = {"settings": asdict(trainer.settings), "steps_done": trainer.step}
    save(trainer.model, folder / "model.safetensors", card=card)
    text = json.dumps({**card, "history": [asdict(record) for record in trainer.history]}, indent=1)
    write_whole(folder / "history.json", f"{text}\n".encode())


# --- command line ------------------------------------------------------------------------------------------------------------


MEANINGS = {
    "architecture": f"which model of the ladder: {', '.join(MODELS)}",
    "N": "channels inside the transforms",
    "M": "channels of the latent y",
    "lmbda": "weight of distortion (published: 0.0018 to 0.18); where a multiplier starts",
    "lmbda_max": "with it, one model for every λ between --lmbda and this",
    "epochs": "a snapshot and the weights are written after each",
    "steps_per_epoch": "steps of the optimiser from one epoch to the next",
    "batch": "images a step, over all parts and processes",
    "parts": "pieces of a batch, one after the other or shared by the processes of torchrun",
    "patch": "side of the square patches, in pixels",
    "learning_rate": "highest learning rate of Adam",
    "warmup_steps": "steps in which the learning rate rises",
    "final_learning_rate": "where half a cosine leads it at the last step",
    "clip": "greatest length of a gradient",
    "seed": "of weights, patches and noise",
    "bfloat16": "compute in 16 bits where that is safe; for a GPU, or a processor that has it",
    "mixed_quantization": "train the synthesis on rounded latents, bits on noisy ones",
    "linear_start": "start from the best linear block transform of the photos, not at random",
    "entropy_model_only": "leave transforms and gains as they are; for weights given by --start",
    "multiplier": "who chooses λ: constant, only-grows, or with a target log-ascent or modified-differential",
    "target_bpp": "rate to reach, in bit/pixel",
    "target_psnr": "quality to reach, in dB",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``jahp train``: one for each field of ``Settings``, and where photos come from and results go."""
    parser.add_argument("photos", nargs="?", help="folder of photos; without it, the four sample photos")
    # the long names are for torchrun, whose own parser calls --run and --start ambiguous (it has --run-path and --start-method)
    parser.add_argument(
        "--run",
        "--run-folder",
        default="runs/train",
        help="folder of results; the same command goes on where it stopped (%(default)s); under torchrun write --run-folder",
    )
    parser.add_argument("--photo", help="the photo of the snapshots; without it, the sample photo chelsea")
    parser.add_argument(
        "--weights",
        choices=("equal", "bytes"),
        default="bytes",
        help="how often each photo is drawn (%(default)s)",
    )
    parser.add_argument(
        "--dead-leaves", type=float, default=0.0, metavar="SHARE", help="share of dead-leaves patches, 0 to 1"
    )
    parser.add_argument(
        "--start",
        "--start-from",
        help="weights to start from: a file, or a name such as small (torchrun: --start-from)",
    )
    parser.add_argument(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="where to compute (%(default)s here)",
    )
    parser.add_argument("--compile", action="store_true", help="run the model through torch.compile")
    parser.add_argument("--threads", type=int, help="processor threads of each process")
    kinds = {"int": int, "float": float, "str": str, "float | None": float}
    for field in fields(Settings):
        option = "--" + field.name.replace("_", "-")
        if field.type == "bool":
            parser.add_argument(option, action="store_true", help=MEANINGS[field.name])
        else:
            usual = "" if field.default is None else " (%(default)s)"
            parser.add_argument(
                option, type=kinds[field.type], default=field.default, help=MEANINGS[field.name] + usual
            )


def main(argv: list[str] | None = None, arguments: argparse.Namespace | None = None) -> None:
    """Train from the command line, alone or as one process of ``torchrun``."""
    if arguments is None:
        parser = argparse.ArgumentParser(
            "python -m jahp_lib.training",
            description=__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        add_arguments(parser)
        arguments = parser.parse_args(argv)
    settings = Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)})
    if not 0 <= arguments.dead_leaves <= 1:
        raise ValueError(f"--dead-leaves is a share between 0 and 1, not {arguments.dead_leaves}.")
    if arguments.threads is not None:
        if arguments.threads < 1:
            raise ValueError(f"--threads must be at least 1, not {arguments.threads}.")
        torch.set_num_threads(arguments.threads)
    started = "RANK" in os.environ and not distributed.is_initialized()
    own_gpu = started and arguments.device.partition(":")[0] == "cuda"  # each process of torchrun has one
    device = usable_device(f"cuda:{os.environ['LOCAL_RANK']}" if own_gpu else arguments.device)
    if started:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    try:
        draw = _source(arguments, settings.patch, device)
        photo = open_photo(arguments.photo) if arguments.photo else sample_photos()["chelsea"]
        start = load(arguments.start) if arguments.start else None
        trainer = Trainer(
            settings,
            draw,
            device,
            start,
            arguments.compile,
            goes_on=(Path(arguments.run) / STATE).exists(),
            source=_in_words(arguments),
        )
        shown = None if settings.lmbda_max is None else math.sqrt(settings.lmbda * settings.lmbda_max)
        run(trainer, arguments.run, to_float(to_tensor(photo))[None], shown)
    finally:
        if started:
            distributed.destroy_process_group()


def _in_words(arguments: argparse.Namespace) -> str:
    """What a run learns from, so that it does not go on with something else: the same wherever the folder lies."""
    if arguments.photos is None:
        photos = "the sample photos"
    else:
        folder, checksum = Path(arguments.photos), 0
        files = photo_files(folder)
        for file in files:
            with file.open("rb") as content:
                begin = content.read(4096)
            checksum = zlib.crc32(
                f"{file.relative_to(folder)} {file.stat().st_size} ".encode() + begin, checksum
            )
        photos = f"{len(files)} photos with the checksum {checksum:08x}, weights {arguments.weights}"
    start = f", from {Path(arguments.start).name}" if arguments.start else ""
    return f"{photos}, dead leaves {arguments.dead_leaves:g}{start}"


def usable_device(name: str) -> torch.device:
    """The device called ``name``: "cpu", "cuda", "cuda:1" and the like.

    Raises:
        ValueError: PyTorch knows no such device, or cannot compute on it here.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (
        RuntimeError,
        AssertionError,
        ImportError,
    ) as error:  # whichever it is depends on the device and on how PyTorch was built
        raise ValueError(
            f"PyTorch cannot use the device {name!r} here: give --device cpu, or cuda where there is a GPU."
        ) from error
    return device


def _source(arguments: argparse.Namespace, patch: int, device: torch.device) -> Source:
    """Where patches come from, as the options say."""
    share = arguments.dead_leaves
    sources: list[tuple[float, Source]] = (
        [(share, lambda count, rng: dead_leaves(count, patch, rng))] if share > 0 else []
    )
    if share < 1:
        progress = int(os.environ.get("RANK", 0)) == 0
        photos = (
            PhotoFolder(arguments.photos, patch, arguments.weights, progress)
            if arguments.photos
            else sample_set(patch)
        )
        sources.append((1 - share, photos.to(device).batch))
    return sources[0][1] if len(sources) == 1 else mixed(sources)


if __name__ == "__main__":
    main()
