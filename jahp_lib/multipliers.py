"""Lesson 10. Who chooses λ: a constant, a rule that only grows, or a target that finds its own multiplier.

Training minimises R + λD. A constant λ fixes the slope of the trade, and where rate and distortion end up is found out afterwards.
A *dynamic* multiplier turns this round: the distortion (or the rate) is given, and λ is what training finds.

    minimise R  subject to  D <= target      larger λ while D is above its target, smaller while it is below
    minimise D  subject to  R <= target      smaller λ while R is above its target

All multipliers have one small interface: ``value`` is the λ of the next step, ``update(bpp, mse)`` tells what the last one gave.

A batch of quiet patches needs few bits and a busy one many, whatever λ is. Told how busy the patches were (``contrast``), a target's
multiplier takes this luck out of what it sees: contrast is a *control variate*, whose own mean over many batches is known.

Sources: Platt & Barr 1988, "Constrained differential optimization" (the multiplier rules); Rezende & Viola 2018, "Taming VAEs"
(ascent on the logarithm with a moving average of the constraint); van Rozendaal, Sautière & Cohen 2020, "Lossy compression with distortion
constrained optimization" (the same for compression); Cochran 1977, "Sampling techniques", chapter 7 (regression estimators).
"""

from __future__ import annotations

import math
from typing import Protocol

from torch import Tensor

from jahp_lib.rate_distortion import check_lmbda

# A λ beyond these ends trains nothing of use; the ends keep a multiplier whose target cannot be met from overflowing.
SMALLEST, LARGEST = 1e-6, 1e3

# How the slope of rate or distortion over contrast is learned: batches before it is used, and share of the past from then on.
SLOPE_BATCHES, SLOPE_MEMORY = 25, 0.99


def contrast(x: Tensor) -> Tensor:
    """How busy images are: root of the mean squared difference of neighbouring pixels, averaged over the batch.

    Args:
        x: images [B, 3, H, W] of at least 2x2 pixels.

    Returns:
        A number [] in the unit of ``x``.
    """
    across, down = x.diff(dim=3).square().mean(dim=(1, 2, 3)), x.diff(dim=2).square().mean(dim=(1, 2, 3))
    return (across + down).sqrt().mean()


class Multiplier(Protocol):
    """What the training loop takes: it reads ``value`` before each step and calls ``update`` after it."""

    value: float

    def update(self, bpp: float, mse: float, contrast: float | None = None) -> None:
        """Tell the multiplier what the last step gave: bit/pixel, mean squared error on [0, 1], and ``contrast`` of its patches."""

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
            setattr(
                self, name, float(state.get(name, getattr(self, name)))
            )  # what an older version did not keep starts anew


class Constant(_Stateful):
    """λ stays what it was: the slope of the trade is chosen, rate and distortion follow."""

    def __init__(self, lmbda: float) -> None:
        check_lmbda(lmbda)
        self.value = lmbda

    def update(self, bpp: float, mse: float, contrast: float | None = None) -> None:
        """Nothing to do."""


class OnlyGrows(_Stateful):
    """The original implementation's rule λ <- λ + epsilon * D, kept to show what it does.

    D is never negative and there is no target to compare it with, so λ can only grow: the longer training lasts, the larger the
    file. ``D`` is the mean squared error on 8-bit values, as in that implementation.
    """

    def __init__(self, lmbda: float, epsilon: float = 1e-5) -> None:
        check_lmbda(lmbda)
        self.value, self.epsilon = lmbda, epsilon

    def update(self, bpp: float, mse: float, contrast: float | None = None) -> None:
        self.value = min(self.value + self.epsilon * 255.0**2 * mse, LARGEST)


class _Target(_Stateful):
    """What the rules with a target share: the violation, from a moving average of rate or distortion; positive when λ has to grow."""

    _kept = (
        "value",
        "smoothed",
        "weight",
        "batches",
        "mean_contrast",
        "level",
        "level_weight",
        "covariance",
        "variance",
    )

    def __init__(self, lmbda: float, mse: float | None, bpp: float | None, memory: float) -> None:
        check_lmbda(lmbda)
        if (mse is None) == (bpp is None):
            raise ValueError("Give one target: mse (distortion on [0, 1]) or bpp (rate in bit/pixel).")
        target = mse if bpp is None else bpp
        if not (math.isfinite(target) and target > 0):
            raise ValueError(f"A target must be finite and above 0, not {target}.")
        if not 0 <= memory < 1:
            raise ValueError(f"memory is a share of the past and must be in [0, 1), not {memory}.")
        self.value, self.memory = lmbda, memory
        self.target, self.on_rate = target, bpp is not None
        self.smoothed, self.weight = 0.0, 0.0
        self.batches, self.mean_contrast = 0.0, 0.0
        self.level, self.level_weight, self.covariance, self.variance = 0.0, 0.0, 0.0, 0.0

    def violation(self, bpp: float, mse: float, contrast: float | None = None) -> float:
        """log(D / target), or log(target / R), of an exponential moving average of D or R, without the bias of its start.

        The logarithm has no unit, so one step size suits all targets. It is taken of the average: the average of logarithms is
        smaller, so it would leave the mean error above its target, by half the variance from batch to batch. Beyond +-1 it is cut
        off, or the first steps of an untrained model would carry λ far away.
        """
        measured = self._without_luck(bpp if self.on_rate else mse, contrast)
        self.smoothed = self.memory * self.smoothed + (1 - self.memory) * measured
        self.weight = self.memory * self.weight + (1 - self.memory)
        log_ratio = math.log(max(self.smoothed / self.weight, 1e-12) / self.target)
        return min(max(-log_ratio if self.on_rate else log_ratio, -1.0), 1.0)

    def _without_luck(self, measured: float, contrast: float | None) -> float:
        """What a batch of average contrast would have given: measured - slope * (contrast - its mean).

        The slope is that of the batches before, relative to the level of rate or distortion, which moves while the model learns; so
        it knows nothing of this batch, and the mean over many batches stays what it was. The level is a mean of what was measured,
        not of what was corrected: corrected values of very small batches can be negative.
        """
        if contrast is None or not math.isfinite(contrast):  # patches of a single pixel have no neighbours
            return measured
        self.batches += 1
        self.mean_contrast += (contrast - self.mean_contrast) / self.batches
        luck = contrast - self.mean_contrast
        slope = self.covariance / self.variance if self.batches > SLOPE_BATCHES and self.variance else 0.0
        corrected = measured - slope * luck * (
            self.level / self.level_weight if self.level_weight else measured
        )
        self.level = SLOPE_MEMORY * self.level + (1 - SLOPE_MEMORY) * measured
        self.level_weight = SLOPE_MEMORY * self.level_weight + (1 - SLOPE_MEMORY)
        relative = measured / max(self.level / self.level_weight, 1e-12) - 1
        self.covariance = SLOPE_MEMORY * self.covariance + (1 - SLOPE_MEMORY) * luck * relative
        self.variance = SLOPE_MEMORY * self.variance + (1 - SLOPE_MEMORY) * luck**2
        return corrected


class LogAscent(_Target):
    """Gradient ascent on log λ with a smoothed constraint: λ <- λ exp(rate * violation).

    Args:
        lmbda: where to start; a factor of 10 off is made good in log(10) / rate steps with a violation of 1, the largest.
        mse: the distortion to reach, as mean squared error on [0, 1]; or
        bpp: the rate to reach, in bit/pixel.
        rate: step size of the ascent.
        memory: share of the past in the average of rate or distortion; those of one batch are mostly the luck of its patches.

    Source: Rezende & Viola 2018, algorithm 1; van Rozendaal et al. 2020.
    """

    def __init__(
        self,
        lmbda: float,
        *,
        mse: float | None = None,
        bpp: float | None = None,
        rate: float = 0.02,
        memory: float = 0.95,
    ) -> None:
        super().__init__(lmbda, mse, bpp, memory)
        self.rate = rate

    def update(self, bpp: float, mse: float, contrast: float | None = None) -> None:
        step = self.rate * self.violation(bpp, mse, contrast)
        self.value = min(max(self.value * math.exp(step), SMALLEST), LARGEST)


class ModifiedDifferential(_Target):
    """The damped modified differential method of multipliers, on log λ.

    Plain ascent and the model's own descent chase each other: λ overshoots its target and swings back. A damping term that
    answers to the violation itself, not only to its sum over time, takes the swing out:

        m      <- m + rate * violation           the multiplier proper, on the logarithm
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
        rate: float = 0.02,
        damping: float = 2.0,
        memory: float = 0.95,
    ) -> None:
        super().__init__(lmbda, mse, bpp, memory)
        self.rate, self.damping = rate, damping
        self.log_multiplier = math.log(lmbda)

    def update(self, bpp: float, mse: float, contrast: float | None = None) -> None:
        violation = self.violation(bpp, mse, contrast)
        self.log_multiplier += self.rate * violation
        self.log_multiplier = min(max(self.log_multiplier, math.log(SMALLEST)), math.log(LARGEST))
        self.value = min(max(math.exp(self.log_multiplier + self.damping * violation), SMALLEST), LARGEST)
