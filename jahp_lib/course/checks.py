"""What every lesson starts with, and how it checks an exercise."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from jahp_lib.checkpoints import read_tensors
from jahp_lib.photos.downloads import DATA
from jahp_lib.style import use_style

LESSONS = {
    "00": "Welcome",
    "01": "Bits",
    "02": "Rate and distortion",
    "03": "GDN",
    "04": "Transform coding",
    "05": "Masked convolution",
    "06": "Hyperprior",
    "07": "Context model",
    "08": "From probabilities to bytes",
    "09": "The same picture everywhere",
    "10": "λ, and who chooses it",
    "11": "The encoder is free",
    "12": "The full model",
}
TO_COME = frozenset({"11"})  # lessons that have a number and no notebook yet
# A lesson's figures and captions belong to the random numbers it was written with, so its seed stays when its
# number changes. Two lessons of one seed were one lesson once.
SEEDS = {
    "00": 0,
    "01": 1,
    "02": 1,
    "03": 2,
    "04": 3,
    "05": 4,
    "06": 5,
    "07": 6,
    "08": 7,
    "09": 7,
    "10": 8,
    "11": 11,
    "12": 9,
}
RECORDED = "jahp-recorded-1"


@dataclass(frozen=True)
class Lesson:
    """What a lesson computes with: ``rng`` (numpy, with the lesson's seed) and ``device``."""

    number: str
    rng: np.random.Generator
    device: torch.device

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"


def recorded(name: str) -> dict[str, Tensor]:
    """Tensors in float32 that a lesson computed at leisure, for students who have a minute;
    ``data/README.md`` says how.

    Raises:
        CheckpointError: the course's folder lacks the file, or it is damaged.
    """
    tensors, _ = read_tensors(DATA / "recorded" / f"{name}.safetensors", RECORDED)
    return {key: tensor.float() for key, tensor in tensors.items()}


def begin(number: str, all_cores: bool = False) -> Lesson:
    """Seed everything, set the look of figures, choose the device, and ask for one thread.

    Seeds come from numpy, whose generators give the same numbers on every processor. One thread, since nearly
    all tensors of the lessons are tiny: threads that share a small sum spend their time waiting for one
    another, and where other programs run on the same computer a loop of seconds took minutes. ``all_cores``
    leaves PyTorch its threads, for the one long training of lesson 12.

    Raises:
        ValueError: there is no lesson of that number.
    """
    if number not in LESSONS:
        raise ValueError(f"There is no lesson {number!r}; lessons are {', '.join(LESSONS)}.")
    rng = np.random.default_rng(SEEDS[number])
    torch.manual_seed(int(rng.integers(2**31)))
    use_style()
    if not all_cores:
        torch.set_num_threads(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return Lesson(number, rng, device)


def check(name: str, answer: object) -> Callable[[Callable[[object], None]], None]:
    """Decorator for the check of an exercise: runs it at once on ``answer`` and says in words what is wrong.

    The decorated function raises ``AssertionError`` with a sentence for the student. An answer that is still
    ``...``, or a function that still returns ``...``, counts as not given yet. Any other error in the
    student's code is shown as one line.

        @check("Exercise 1", my_answer)
        def _(answer):
            assert answer > 0, "A rate cannot be negative: did you forget the minus sign?"
    """

    def run(test: Callable[[object], None]) -> None:
        if answer is ...:
            print(f"{name}: not answered yet.")
            return
        try:
            test(answer)
        except NotAnsweredError:
            print(f"{name}: not answered yet.")
        except AssertionError as error:
            print(f"{name}: not right yet. {error}")
        except Exception as error:
            print(f"{name}: your code stopped with {type(error).__name__}: {error}")
        else:
            print(f"{name}: right.")

    return run


class NotAnsweredError(Exception):
    """A student's function that still returns ``...``."""


def answered(value: object) -> object:
    """``value`` itself; if it is ``...``, the exercise counts as not answered yet."""
    if value is ...:
        raise NotAnsweredError
    return value


def in_colab() -> bool:
    """Whether this runs in Google Colab."""
    return "google.colab" in sys.modules
