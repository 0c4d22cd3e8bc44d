"""Lesson 12. What decides what a run makes of its photos, checked before anything is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Integral, Real

import numpy as np
from torch import Tensor

from jahp_lib.checkpoints import MODELS
from jahp_lib.multipliers import Constant, LogAscent, ModifiedDifferential, Multiplier, OnlyGrows
from jahp_lib.rate_distortion import check_lmbda

MULTIPLIER_JOURNEY, MULTIPLIER_MEMORY = 160.0, 0.8
OPTIMIZERS = ("adam", "soap")
WITH_TARGET = {"log-ascent": LogAscent, "modified-differential": ModifiedDifferential}
WITHOUT_TARGET = {"constant": Constant, "only-grows": OnlyGrows}

# What may change when a run goes on: how large steps are. A run that has diverged goes on with smaller ones.
MAY_CHANGE = ("learning_rate", "warmup_steps", "final_learning_rate", "clip")


class TrainingError(RuntimeError):
    """Training cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """All that decides what a run makes of its photos. The same settings and photos on one machine give the
    same weights.

    ``lmbda`` weighs distortion on the scale of 8-bit images (published: 0.0018 to 0.18); with ``lmbda_max``
    above it, every image draws its own λ log-uniformly between the two, for ``VariableRate``. The loss is in
    bits per pixel. ``multiplier`` names who chooses λ from there on (lesson 10): "constant", "only-grows", or
    with one target "log-ascent" or "modified-differential". ``batch`` counts images a step over all processes
    and ``parts``; ``patch`` is in pixels. ``optimizer`` is "adam" or "soap". With ``minutes`` the learning
    rate follows the clock of the time trained, and the run ends when it is over, whatever ``epochs`` says;
    what it makes then depends on the speed of the machine. ``ema`` is the share of the past in a moving
    average of the weights, which is then what is written, shown and validated; 0 for none. With
    ``mixed_quantization`` the synthesis is trained on rounded latents, bits on noisy ones
    (``transforms.LatentModel``). With ``linear_start`` the transforms start as the best linear block
    transform of the photos, not at random. With ``entropy_model_only`` g_a, g_s and the gains stay as they
    are: the same pictures, and fewer bits.

    Raises:
        ValueError: a value is of the wrong type or out of its range, or two do not go together; the message
            says which.
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
    optimizer: str = "adam"
    minutes: float | None = None
    ema: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, _checked_type(field.name, field.type, getattr(self, field.name))
            )
        self._check_lmbda_and_multiplier()
        self._check_sizes()
        self._check_schedule()

    def _check_lmbda_and_multiplier(self) -> None:
        check_lmbda(self.lmbda)
        if self.lmbda_max is not None and not (math.isfinite(self.lmbda_max) and self.lmbda_max > self.lmbda):
            raise ValueError(
                f"lmbda_max must be above lmbda ({self.lmbda}) and finite, not {self.lmbda_max}."
            )
        self.make_multiplier()
        if self.multiplier != "constant" and self.lmbda_max is not None:
            raise ValueError(
                "A model for every lmbda draws it at random: a multiplier other than 'constant' needs "
                "lmbda_max "
                "left out."
            )

    def _check_sizes(self) -> None:
        if self.architecture not in MODELS:
            raise ValueError(f"architecture must be one of {', '.join(MODELS)}, not {self.architecture!r}.")
        for name in ("N", "M", "epochs", "steps_per_epoch", "batch", "parts", "patch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not 0 <= self.seed < 2**64:
            raise ValueError(f"seed must be at least 0 and below 2**64, not {self.seed}.")
        if self.linear_start and self.patch < 16:
            raise ValueError(
                f"A linear start is fitted to blocks of 16x16 pixels; patches of {self.patch} are too small."
            )
        if self.batch % self.parts:
            raise ValueError(f"A batch of {self.batch} cannot be divided into {self.parts} equal parts.")

    def _check_schedule(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {self.optimizer!r}.")
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
        if self.minutes is not None and not (math.isfinite(self.minutes) and self.minutes > 0):
            raise ValueError(f"minutes must be finite and above 0, not {self.minutes}.")
        if not 0 <= self.ema < 1:
            raise ValueError(f"ema is a share of the past and must be in [0, 1), not {self.ema}.")

    @property
    def steps(self) -> int:
        """How many steps the whole run has; without meaning where ``minutes`` ends it."""
        return self.epochs * self.steps_per_epoch

    @property
    def config(self) -> dict[str, str | int | bool]:
        """The configuration of the model that is trained, as ``checkpoints.build`` takes it."""
        variable = {} if self.lmbda_max is None else {"variable_rate": True}
        return {"architecture": self.architecture, "N": self.N, "M": self.M, "padding": "same", **variable}

    def make_multiplier(self) -> Multiplier:
        """A fresh multiplier as the settings say.

        A target's multiplier has a step size for which a violation of 1 in all steps would move ln λ by
        ``MULTIPLIER_JOURNEY``: slow against the model, which needs some hundred steps to follow λ, or the two
        swing; fast against the whole run.

        Raises:
            ValueError: the name is unknown, a target is missing, superfluous, or not above 0.
        """
        if self.target_psnr is not None and not 0 < self.target_psnr < 100:
            raise ValueError(
                f"target_psnr is in dB, between 0 and 100 (photos: 25 to 45), not {self.target_psnr}."
            )
        mse = None if self.target_psnr is None else 10 ** (-self.target_psnr / 10)
        targets = (self.target_bpp is not None) + (mse is not None)
        if self.multiplier in WITH_TARGET:
            if targets != 1:
                raise ValueError(
                    f"The multiplier {self.multiplier!r} needs one target: target_bpp or target_psnr."
                )
            if self.patch < 2:
                raise ValueError("A multiplier with a target needs patches of at least 2x2 pixels, not 1.")
            step_size = min(0.04, MULTIPLIER_JOURNEY / max(1, self.steps))
            return WITH_TARGET[self.multiplier](
                self.lmbda, mse=mse, bpp=self.target_bpp, step_size=step_size, memory=MULTIPLIER_MEMORY
            )
        if self.multiplier not in WITHOUT_TARGET:
            names = ", ".join([*WITHOUT_TARGET, *WITH_TARGET])
            raise ValueError(f"multiplier must be one of {names}, not {self.multiplier!r}.")
        if targets:
            raise ValueError(
                f"The multiplier {self.multiplier!r} has no target; log-ascent and modified-differential "
                "have one."
            )
        return WITHOUT_TARGET[self.multiplier](self.lmbda)

    def image_weights(self, lmbda: float | Tensor) -> Tensor | None:
        """How much each image counts in the loss where each has its own λ [B]: as λ^(-1/2), 1 in the middle
        of the range.

        At its optimum the Lagrangian grows about as λ^(1/2) (a hundred times λ, nine times the loss, on
        Kodak); without the weights the images of large λ would decide nearly alone what a step does.
        """
        if not isinstance(lmbda, Tensor) or self.lmbda_max is None:
            return None
        return (lmbda / math.sqrt(self.lmbda * self.lmbda_max)) ** -0.5

    def learning_rate_at(self, step: int, seconds: float = 0.0) -> float:
        """The learning rate of a step, ``seconds`` of training after the start: a linear warm-up, then half a
        cosine.

        The cosine ends at ``final_learning_rate`` with the last step, or where ``minutes`` are given with the
        last minute.
        """
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        if self.minutes is None:
            progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        else:
            progress = seconds / (60 * self.minutes)
        swing = (self.learning_rate - self.final_learning_rate) / 2
        return self.final_learning_rate + swing * (1 + math.cos(math.pi * min(1.0, progress)))

    def is_over(self, step: int, seconds: float) -> bool:
        """Whether a run that has come so far, in steps and in seconds of training, is at its end."""
        return step >= self.steps if self.minutes is None else seconds >= 60 * self.minutes

    def randomness(self, step: int, part: int) -> tuple[np.random.Generator, int]:
        """A numpy generator for the data of one part of one step, and a seed for torch's noise."""
        sequence = np.random.SeedSequence([self.seed, step, part])
        # shifted as a Python number: numpy 1 has no shift between its own kinds of integers
        return np.random.default_rng(sequence), int(sequence.generate_state(1, np.uint64)[0]) >> 1


def _checked_type(name: str, annotation: object, value: object) -> object:
    """``value`` as the plain Python type that the field has, so that it can be written as JSON.

    Raises:
        ValueError: it is of another type: 8.0 or True for a whole number, say.
    """
    kind, _, optional = str(annotation).partition(" | ")
    if optional and value is None:
        return None
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if kind == "int" and whole:
        return int(value)  # type: ignore[call-overload]
    if kind == "float" and (whole or (isinstance(value, Real) and not isinstance(value, bool))):
        return float(value)  # type: ignore[arg-type]
    if (kind == "str" and isinstance(value, str)) or (kind == "bool" and isinstance(value, bool)):
        return value
    expected = {"int": "a whole number", "float": "a number", "str": "a word", "bool": "True or False"}[kind]
    raise ValueError(f"{name} must be {expected}, not {value!r}.")
