"""Lesson 12. The training loop: draw patches, forward, loss, backward, clip, step.

Every random choice of a step (patches, flips, λ, quantisation noise) is made from ``(seed, step, part)``
alone, where a part is one process's share of the batch. So a run that was stopped goes on exactly where it
was, and two processes with one part each do what one process does with two. The loop knows nothing of files;
what is done beside training is a ``Callback``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from jahp_lib.factorized import update_medians
from jahp_lib.multipliers import LogAscent, ModifiedDifferential, Multiplier
from jahp_lib.photos.one_photo import to_float
from jahp_lib.photos.patches import Source
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.training.extras.control_variate import ControlVariate, local_contrast
from jahp_lib.training.extras.distributed import Processes
from jahp_lib.training.extras.divergence import LossWatch
from jahp_lib.training.extras.fast_layers import speed_up
from jahp_lib.training.extras.moving_average import MovingAverage
from jahp_lib.training.extras.progress import ProgressBar
from jahp_lib.training.extras.stratified import spread_lmbdas
from jahp_lib.training.extras.validation import Validation
from jahp_lib.training.optimizers import make_optimizer
from jahp_lib.training.records import EpochRecord
from jahp_lib.training.settings import Settings, TrainingError
from jahp_lib.training.start import starting_model
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate


class Callback:
    """What is done beside training; the loop calls each method at its moment."""

    def after_step(self, trainer: Trainer) -> None:
        """The weights were changed and the step was counted; at the end of an epoch its record is in
        ``trainer.history``.
        """

    def after_epoch(self, trainer: Trainer, record: EpochRecord) -> None:
        """All ``after_step`` of the epoch's last step were called."""


class Trainer:
    """A model, its optimiser and how far they have come.

    Args:
        settings: what to train.
        patches: where patches come from, ``patches(count, rng)`` -> uint8 [count, 3, patch, patch];
            ``PhotoSet.batch`` is one.
        device: where to compute. Under torchrun the processes of one run split the parts of each batch among
            themselves.
        start: weights to start from instead of fresh ones.
        compiled: run the model through torch.compile.
        fast: exchange layers for forms that train sooner on a processor in float32 (``extras.fast_layers``);
            the same up to rounding.
        goes_on: a state on disk will be restored, so no time is spent on a linear start.
        source: what it learns from, in words; a run goes on only with the same.
        validation: patches kept aside, whose loss each epoch's record then has.
        callbacks: what is done beside training.

    Use it as ``for record in Trainer(settings, photos.batch).epochs(): ...``; ``model`` is the model.
    """

    def __init__(
        self,
        settings: Settings,
        patches: Source,
        device: str | torch.device = "cpu",
        start: nn.Module | None = None,
        compiled: bool = False,
        goes_on: bool = False,
        source: str = "",
        validation: Validation | None = None,
        callbacks: Sequence[Callback] = (),
        fast: bool = False,
    ) -> None:
        self.settings, self.patches, self.device = settings, patches, torch.device(device)
        self.source, self.validation, self.callbacks = source, validation, list(callbacks)
        self.processes = Processes()
        if settings.parts % self.processes.world:
            raise TrainingError(
                f"{settings.parts} parts of a batch cannot be shared by {self.processes.world} processes: "
                "set parts to a multiple."
            )
        self.model = starting_model(settings, patches, start, goes_on)
        if fast:
            speed_up(self.model)  # they, and convolutions in float32, want channels apart
        self.memory_format = torch.contiguous_format if fast else torch.channels_last
        self.model.to(self.device, memory_format=self.memory_format).train()  # type: ignore[call-overload]
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = make_optimizer(settings, trained, self.device)
        self.average = MovingAverage(self.model, settings.ema) if settings.ema else None
        self.multiplier: Multiplier | ControlVariate = settings.make_multiplier()
        # what the multiplier is told of each batch's patches, besides rate and distortion
        self.covariates: tuple[Callable[[Tensor], Tensor], ...] = ()
        if isinstance(self.multiplier, LogAscent | ModifiedDifferential):
            self.multiplier, self.covariates = ControlVariate(self.multiplier), (local_contrast,)
        self.step, self.seconds = 0, 0.0  # steps done, and how long they took
        self.history: list[EpochRecord] = []
        self.sums = np.zeros(4)  # loss, bpp, mse and seconds of the epoch so far
        self.watch = LossWatch()
        # False from the change of the weights until it is counted: a state saved there would repeat the step
        self.settled = True
        runner = self.processes.wrap(self.model)
        self.runner = torch.compile(runner) if compiled else runner

    @property
    def result(self) -> LatentModel | VariableRate:
        """The model that is shown, validated and written: with the moving average of the weights, where there
        is one.
        """
        return self.model if self.average is None else self.average.model

    @property
    def is_over(self) -> bool:
        return self.settings.is_over(self.step, self.seconds)

    @property
    def steps_of_epoch(self) -> int:
        """How many steps of the epoch that is under way are done."""
        return self.step - (self.history[-1].step if self.history else 0)

    def epochs(self, progress: bool = True) -> Iterator[EpochRecord]:
        """Train from where the run is to its end; yields the record of each epoch as it ends.

        Raises:
            TrainingError: training has diverged; the weights are still those of before the step that showed
                it.
        """
        bar = ProgressBar(self.settings, self.step, self.seconds, progress and self.processes.first)
        try:
            while not self.is_over:
                started = time.perf_counter()
                devices = [self.device] if self.device.type == "cuda" else []
                with torch.random.fork_rng(devices):  # the caller's own randomness stays as it was
                    loss, bpp, mse, *covariates = self.train_step()
                self.multiplier.update(bpp, mse, *covariates)
                # the clock is the same in all processes, so that they end together
                self.count(loss, bpp, mse, self.processes.mean_of(time.perf_counter() - started, self.device))
                record = self.end_epoch() if self.epoch_is_over else None
                self.settled = True
                bar.show(self.step, self.seconds, self.record_so_far())
                for callback in self.callbacks:
                    callback.after_step(self)
                if record is not None:
                    for callback in self.callbacks:
                        callback.after_epoch(self, record)
                    yield record
        finally:
            bar.close()

    def train_step(self) -> list[float]:
        """One step of the optimiser over this process's parts of the batch.

        Returns loss (bit/pixel), bpp and mse, and the covariates of the patches, averaged over all parts of
        all processes.

        Raises:
            TrainingError: loss or gradient is not finite, or the loss is hopelessly large; the weights were
                not changed.
        """
        settings = self.settings
        for group in self.optimizer.param_groups:
            group["lr"] = settings.learning_rate_at(self.step, self.seconds)
        self.optimizer.zero_grad(set_to_none=True)
        own_parts = self.processes.own_parts(settings.parts)
        means = torch.zeros(3 + len(self.covariates), device=self.device)
        for part in own_parts:
            rng, noise_seed = settings.randomness(self.step, part)
            x = self.draw_patches(rng)
            lmbda = self.choose_lmbda(rng)
            torch.manual_seed(noise_seed)
            with self.processes.exchange(self.runner, now=part == own_parts[-1]):
                with torch.autocast(self.device.type, torch.bfloat16, enabled=settings.bfloat16):
                    out = self.runner(x, lmbda)
                    loss = rate_distortion_loss(out, x, lmbda, settings.image_weights(lmbda))
                (loss.loss / len(own_parts)).backward()
            measured = torch.stack((loss.loss, loss.bpp, loss.mse, *(of(x) for of in self.covariates)))
            means += measured.detach() / len(own_parts)
        length = nn.utils.clip_grad_norm_(self.model.parameters(), settings.clip)
        values = self.processes.mean(torch.cat((means, length.detach().float().reshape(1)))).tolist()
        self.check(loss=values[0], gradient=values[-1])
        self.settled = False
        self.optimizer.step()
        if self.average is not None:
            self.average.update(self.model)
        return values[:-1]

    def draw_patches(self, rng: np.random.Generator) -> Tensor:
        """The images of one part, float [batch / parts, 3, patch, patch] in [0, 1]."""
        pixels = self.patches(self.settings.batch // self.settings.parts, rng)
        x = to_float(pixels.to(self.device, non_blocking=True))
        return x.contiguous(memory_format=self.memory_format)

    def choose_lmbda(self, rng: np.random.Generator) -> float | Tensor:
        """λ of one part: the multiplier's, or one for each image [batch / parts] where the model takes every
        λ.
        """
        settings = self.settings
        if settings.lmbda_max is None:
            return self.multiplier.value
        lmbdas = spread_lmbdas(settings.batch // settings.parts, settings.lmbda, settings.lmbda_max, rng)
        return torch.tensor(lmbdas, dtype=torch.float32, device=self.device)

    def check(self, loss: float, gradient: float) -> None:
        """Raise ``TrainingError`` if loss or gradient say that training has diverged."""
        if math.isfinite(loss + gradient):
            self.watch.update(loss, self.settings.lmbda_max or self.multiplier.value)
            if not self.watch.diverged:
                return
        now = self.settings.learning_rate_at(self.step, self.seconds)
        raise TrainingError(
            f"The loss is {loss:.4g} at step {self.step}: training has diverged (its gradient is "
            f"{gradient:.4g} long). Lower the learning rate (at most {self.settings.learning_rate:g}, here "
            f"{now:.2g}) or clip gradients harder (now {self.settings.clip:g}), and run again in the same "
            "folder: it goes on from the last good weights."
        )

    def count(self, loss: float, bpp: float, mse: float, seconds: float) -> None:
        self.sums += (loss, bpp, mse, seconds)
        self.seconds += seconds
        self.step += 1

    @property
    def epoch_is_over(self) -> bool:
        return self.steps_of_epoch == self.settings.steps_per_epoch or (
            self.is_over and self.steps_of_epoch > 0
        )

    def end_epoch(self) -> EpochRecord:
        """Bring the medians of z up to date, validate, and begin the sums of the next epoch."""
        update_medians(self.model)
        if self.average is not None:
            update_medians(self.average.model)
        record = self.record_so_far(self.validation.loss(self.result) if self.validation else None)
        self.history.append(record)
        self.sums[:] = 0
        return record

    def record_so_far(self, validation: float | None = None) -> EpochRecord:
        """The means of the epoch that is under way, or has just ended."""
        steps = self.steps_of_epoch
        if steps == 0:
            return self.history[-1]
        loss, bpp, mse = self.sums[:3] / steps
        return EpochRecord(
            epoch=len(self.history) + 1,
            step=self.step,
            loss=float(loss),
            bpp=float(bpp),
            psnr=10 * math.log10(1 / max(mse, 1e-20)),
            images_per_second=float(steps * self.settings.batch / self.sums[3]),
            lmbda=self.multiplier.value if self.settings.lmbda_max is None else None,
            validation=validation,
        )
