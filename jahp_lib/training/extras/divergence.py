"""No lesson. Tells a training that has gone astray from one that met an unlucky batch."""

from __future__ import annotations

import math

MEMORY = 0.98  # share of the past in the smoothed loss: about the last 50 steps
SETTLED = 50  # steps before the smoothed loss can be the best one
SUSPECT, DIVERGED = 3.0, 10.0  # times the best smoothed loss
UNCOMPRESSED = 24.0  # bit/pixel of an 8-bit photo


def loss_of_black(lmbda: float) -> float:
    """The loss of whoever shows a black picture and spends what the photo takes uncompressed, at the most, in
    bit/pixel.
    """
    return UNCOMPRESSED + lmbda * 255**2


class LossWatch:
    """Follows the loss of a training, smoothed, and compares it with the best it has been.

    ``healthy`` is False where weights should not be written over better ones. ``diverged`` is True where
    going on makes no
    sense: the loss is ten times what it was and more than the photos cost uncompressed, or ten times that of
    a black picture. What is smoothed is the logarithm: one batch whose loss is a million passes, ten in a row
    do not. Where a multiplier moves λ, the best loss is taken to have grown with λ: with the same weights it
    grows no faster.
    """

    _kept = ("smoothed", "weight", "steps", "best", "best_lmbda")

    def __init__(self) -> None:
        self.smoothed, self.weight, self.steps = 0.0, 0.0, 0.0
        self.best, self.best_lmbda = math.inf, 1.0
        self.healthy, self.diverged = True, False

    def update(self, loss: float, lmbda: float) -> None:
        """Take in the loss of a step in bit/pixel, and the λ it was weighed with (the largest, if images have
        their own).
        """
        self.smoothed = MEMORY * self.smoothed + (1 - MEMORY) * math.log(max(loss, 1e-12))
        self.weight = MEMORY * self.weight + (1 - MEMORY)
        self.steps += 1
        level, best = math.exp(self.smoothed / self.weight), self.best * max(1.0, lmbda / self.best_lmbda)
        black = loss_of_black(lmbda)
        self.healthy = level <= min(max(SUSPECT * best, 1.0), black)
        self.diverged = level > max(UNCOMPRESSED, min(DIVERGED * best, DIVERGED * black))
        if self.steps >= SETTLED and level < best:
            self.best, self.best_lmbda = level, lmbda

    def state(self) -> dict[str, float | None]:
        """What must be kept to go on later, as JSON: infinity becomes None."""
        values = {name: getattr(self, name) for name in self._kept}
        return {name: value if math.isfinite(value) else None for name, value in values.items()}

    def restore(self, state: dict[str, float | None]) -> None:
        """Take up what ``state`` returned."""
        for name, value in state.items():
            setattr(self, name, math.inf if value is None else value)
