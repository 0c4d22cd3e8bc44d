"""A file that meets a target: the λ that gives a size or a PSNR, in a handful of encodings.

λ is smooth in both: log2 of a file's size and its PSNR are nearly straight lines over log2 λ. So the first
guess lies close, and each further one on the line through the two nearest encodings. λ is stored in 16 bits
(``container.lmbda_to_code``), and the search runs over these codes, whose numbers are log2 λ in steps of
1/2048.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jahp_lib.codec.container import LMBDA_STEPS

MOST_ENCODINGS = 10

Found = TypeVar("Found")


@dataclass(frozen=True)
class Goal:
    """What a file is to have: at most so many bytes, or at least so many dB.

    Attributes:
        value: log2 of bytes, or dB: what grows nearly along a straight line with log2 λ.
        slope: by how much for each doubling of λ, until two encodings tell.
        tolerance: how far on the good side is near enough.
        at_most: whether the value is a ceiling (bytes) or a floor (dB).
    """

    value: float
    slope: float
    tolerance: float
    at_most: bool

    def met_by(self, value: float) -> bool:
        """Whether a file of this value is on the good side."""
        return value <= self.value if self.at_most else value >= self.value

    @property
    def aim(self) -> float:
        """A value inside the tolerance, so that a guess that is slightly off is good enough."""
        return self.value + (-self.tolerance if self.at_most else self.tolerance) / 2


def bytes_goal(size: int) -> Goal:
    """At most ``size`` bytes; 0.7 % less are near enough."""
    return Goal(math.log2(size), slope=0.4, tolerance=0.01, at_most=True)


def psnr_goal(decibels: float) -> Goal:
    """At least so many dB; 0.05 more are near enough."""
    return Goal(decibels, slope=1.3, tolerance=0.05, at_most=False)


def check_targets(
    lmbda: float | None,
    target_bytes: int | None,
    target_bpp: float | None,
    target_psnr: float | None,
) -> None:
    """Raise ``ValueError`` unless at most one of λ and the targets is given, and it makes sense."""
    targets = {"target_bytes": target_bytes, "target_bpp": target_bpp, "target_psnr": target_psnr}
    given = {name: value for name, value in targets.items() if value is not None}
    if len(given) > 1:
        raise ValueError(
            f"A file can be made for one target, not for {' and '.join(given)} together: choose."
        )
    if given and lmbda is not None:
        raise ValueError(
            f"λ is what {next(iter(given))} decides: give lmbda={lmbda} or the target, not both."
        )
    for name, value in given.items():
        if not (math.isfinite(value) and value > 0):
            raise ValueError(f"{name} must be a finite number above 0, not {value}.")


def out_of_reach(goal: Goal, nearest: float, lmbda: float | None) -> str:
    """A sentence that says what is in reach instead."""
    if goal.at_most:
        return (
            f"{2**goal.value:,.0f} bytes are too few for this photo: the smallest file that this model makes "
            f"of it, at λ = {lmbda:.4g}, has {2**nearest:,.0f}. Ask for that, or make the photo smaller."
        )
    return (
        f"{goal.value:g} dB are out of reach for this photo: the best picture that this model makes of it, "
        f"at λ = {lmbda:.4g}, has {math.floor(100 * nearest) / 100:.2f} dB."
    )


def meet(
    goal: Goal,
    encode: Callable[[int], tuple[float, Found]],
    lowest: int,
    highest: int,
    first: int,
    known: dict[int, float] | None = None,
) -> tuple[Found | None, float]:
    """The encoding nearest to ``goal`` that meets it, and its value; None, and the nearest value, if none
    does.

    Args:
        encode: from a λ code to its value (as ``Goal.value``) and whatever is to be returned of it.
        lowest, highest: codes between which to search.
        first: the code to try first.
        known: values of codes by another way of encoding, which tell the slope.
    """
    tried: dict[int, float] = {}
    best: tuple[Found, float] | None = None
    left, right = lowest, highest  # where a better code can still lie
    code = min(max(first, lowest), highest)
    for attempt in range(MOST_ENCODINGS):
        value, found = encode(code)
        tried[code] = value
        if goal.met_by(value) and (best is None or abs(value - goal.value) < abs(best[1] - goal.value)):
            best = found, value
            if abs(value - goal.value) <= goal.tolerance:
                break
        if value <= goal.value:
            left = max(left, code + 1)
        if value >= goal.value:
            right = min(right, code - 1)
        if left > right:  # the goal's neighbours have both been tried, or its side of the range has none
            break
        enclosed = left > lowest and right < highest
        if attempt >= 6 and enclosed:  # lines were no good guide
            guess = (left + right) / 2.0
        elif attempt >= 3 and not enclosed:  # out of reach? The end of the range tells.
            guess = lowest if left == lowest else highest
        else:
            guess = _guess(goal, tried, known or {})
        code = min(max(round(guess), left), right)
    nearest = min(tried.values(), key=lambda value: abs(value - goal.value))
    return (None, nearest) if best is None else best


def _guess(goal: Goal, tried: dict[int, float], known: dict[int, float]) -> float:
    """A code on the line through the two encodings nearest to the goal; where there is one alone, with the
    slope of those known already."""
    nearest, *others = sorted(tried, key=lambda code: abs(tried[code] - goal.value))
    slope = _slope({code: tried[code] for code in (nearest, *others[:1])}, _slope(known, goal.slope))
    return nearest + LMBDA_STEPS * (goal.aim - tried[nearest]) / slope


def _slope(values: dict[int, float], otherwise: float) -> float:
    """Change of the value for a doubling of λ between the outermost codes; ``otherwise`` where they cannot
    tell."""
    low, high = min(values, default=0), max(values, default=0)
    if high - low < LMBDA_STEPS // 64:  # so near that single bytes decide
        return otherwise
    slope = LMBDA_STEPS * (values[high] - values[low]) / (high - low)
    return slope if otherwise / 8 < slope < otherwise * 8 else otherwise
