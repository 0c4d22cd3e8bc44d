"""Lesson 10. Who chooses λ: a constant, a rule that only grows, or a target that finds its own multiplier.

Training minimises R + λD. A constant λ fixes the slope of the trade, and where rate and distortion end up is
found out afterwards. A *dynamic* multiplier turns this round: the distortion (or the rate) is given, and λ is
what training finds.

    minimise R  subject to  D <= target      larger λ while D is above its target, smaller while it is below
    minimise D  subject to  R <= target      smaller λ while R is above its target

All multipliers have one small interface: ``value`` is the λ of the next step, ``update(bpp, mse)`` tells what
the last one gave.

Sources: Platt & Barr 1988, "Constrained differential optimization" (the multiplier rules); Rezende & Viola
2018, "Taming VAEs" (ascent on the logarithm with a moving average of the constraint); van Rozendaal, Sautière
& Cohen 2020, "Lossy compression with distortion constrained optimization" (the same for compression).
"""

from __future__ import annotations

import math
from typing import Protocol

from jahp_lib.rate_distortion import check_lmbda

# A λ beyond these ends trains nothing of use; the ends keep a multiplier whose target cannot be met from
# overflowing.
SMALLEST, LARGEST = 1e-6, 1e3


class Multiplier(Protocol):
    """What the training loop takes: it reads ``value`` before each step and calls ``update`` after it."""

    value: float

    def update(self, bpp: float, mse: float) -> None:
        """Tell the multiplier what the last step gave: bit/pixel, and mean squared error on [0, 1]."""

    def state(self) -> dict[str, float]:
        """What must be kept to go on later."""

    def restore(self, state: dict[str, float]) -> None:
        """Take up what ``state`` returned."""


class _Stateful:
    """Keeps the numbers named in ``_kept`` over a stop."""

    _kept: tuple[str, ...] = ("value",)

    def state(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self._kept}

    def restore(self, state: dict[str, float]) -> None:
        for name in self._kept:
            # what an older version did not keep starts anew
            setattr(self, name, float(state.get(name, getattr(self, name))))


class Constant(_Stateful):
    """λ stays what it was: the slope of the trade is chosen, rate and distortion follow."""

    def __init__(self, lmbda: float) -> None:
        check_lmbda(lmbda)
        self.value = lmbda

    def update(self, bpp: float, mse: float) -> None:
        """Nothing to do."""


class OnlyGrows(_Stateful):
    """A rule without a target, λ <- λ + epsilon * D, kept to show what it does.

    D, the mean squared error on pixels in [0, 1], is never negative and there is no target to compare it
    with, so λ can only grow: the longer training lasts, the larger the file.

    Source: thekoshkina/learned_image_compression, where it is an option that is not used (its default is a
    constant λ = 0.025), with epsilon = 0.01.
    """

    def __init__(self, lmbda: float, epsilon: float = 0.01) -> None:
        check_lmbda(lmbda)
        self.value, self.epsilon = lmbda, epsilon

    def update(self, bpp: float, mse: float) -> None:
        self.value = min(self.value + self.epsilon * mse, LARGEST)


class _Target(_Stateful):
    """What the rules with a target share: the violation, from a moving average of rate or distortion;
    positive when λ has to grow.
    """

    _kept: tuple[str, ...] = ("value", "smoothed", "weight")

    def __init__(self, lmbda: float, mse: float | None, bpp: float | None, memory: float) -> None:
        check_lmbda(lmbda)
        target = mse if bpp is None else bpp
        if target is None or None not in (mse, bpp):
            raise ValueError("Give one target: mse (distortion on [0, 1]) or bpp (rate in bit/pixel).")
        if not (math.isfinite(target) and target > 0):
            raise ValueError(f"A target must be finite and above 0, not {target}.")
        if not 0 <= memory < 1:
            raise ValueError(f"memory is a share of the past and must be in [0, 1), not {memory}.")
        self.value, self.memory = lmbda, memory
        self.target, self.on_rate = target, bpp is not None
        self.smoothed, self.weight = 0.0, 0.0

    def violation(self, bpp: float, mse: float) -> float:
        """log(D / target), or log(target / R), of an exponential moving average of D or R, without the bias
        of its start.

        The logarithm has no unit, so one step size suits all targets. It is taken of the average: the average
        of logarithms is smaller, so it would leave the mean error above its target, by half the variance from
        batch to batch. Beyond +-1 it is cut off, or the first steps of an untrained model would carry λ far
        away.
        """
        measured = bpp if self.on_rate else mse
        self.smoothed = self.memory * self.smoothed + (1 - self.memory) * measured
        self.weight = self.memory * self.weight + (1 - self.memory)
        log_ratio = math.log(max(self.smoothed / self.weight, 1e-12) / self.target)
        return min(max(-log_ratio if self.on_rate else log_ratio, -1.0), 1.0)


class LogAscent(_Target):
    """Gradient ascent on log λ with a smoothed constraint: λ <- λ exp(step_size * violation).

    Args:
        lmbda: where to start; a factor of 10 off is made good in log(10) / step_size steps with a violation
            of 1, the largest.
        mse: the distortion to reach, as mean squared error on [0, 1]; or
        bpp: the rate to reach, in bit/pixel.
        step_size: of the ascent, on log λ.
        memory: share of the past in the average of rate or distortion; those of one batch are mostly the luck
            of its patches.

    Source: Rezende & Viola 2018, algorithm 1; van Rozendaal et al. 2020.
    """

    def __init__(
        self,
        lmbda: float,
        *,
        mse: float | None = None,
        bpp: float | None = None,
        step_size: float = 0.02,
        memory: float = 0.95,
    ) -> None:
        super().__init__(lmbda, mse, bpp, memory)
        self.step_size = step_size

    def update(self, bpp: float, mse: float) -> None:
        step = self.step_size * self.violation(bpp, mse)
        self.value = min(max(self.value * math.exp(step), SMALLEST), LARGEST)


class ModifiedDifferential(_Target):
    """The damped modified differential method of multipliers, on log λ.

    Plain ascent and the model's own descent chase each other: λ overshoots its target and swings back. A
    damping term that answers to the violation itself, not only to its sum over time, takes the swing out:

        m      <- m + step_size * violation      the multiplier proper, on the logarithm
        log λ  =  m + damping * violation        what the loss is weighed with

    Args:
        damping: strength of that term; 0 leaves ``LogAscent``. The rest as for ``LogAscent``.

    Source: Platt & Barr 1988 ("modified differential method of multipliers", MDMM).
    """

    _kept = (*_Target._kept, "log_multiplier")

    def __init__(
        self,
        lmbda: float,
        *,
        mse: float | None = None,
        bpp: float | None = None,
        step_size: float = 0.02,
        damping: float = 2.0,
        memory: float = 0.95,
    ) -> None:
        super().__init__(lmbda, mse, bpp, memory)
        self.step_size, self.damping = step_size, damping
        self.log_multiplier = math.log(lmbda)

    def update(self, bpp: float, mse: float) -> None:
        violation = self.violation(bpp, mse)
        self.log_multiplier += self.step_size * violation
        self.log_multiplier = min(max(self.log_multiplier, math.log(SMALLEST)), math.log(LARGEST))
        self.value = min(max(math.exp(self.log_multiplier + self.damping * violation), SMALLEST), LARGEST)
