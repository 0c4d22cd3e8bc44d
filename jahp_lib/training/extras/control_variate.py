"""No lesson. A multiplier with a target that is not led astray by the luck of single batches.

A batch of calm patches needs few bits and a detailed one many, whatever λ is. How much local contrast the
patches have is known for each batch, and so is its mean over many batches: it is a *control variate*. What
rate or distortion owe to a batch of more or less contrast than usual is taken away before the multiplier is
told.

Source: Cochran 1977, "Sampling techniques", chapter 7 (regression estimators).
"""

from __future__ import annotations

import math

from torch import Tensor

from jahp_lib.multipliers import LogAscent, ModifiedDifferential

# How the slope of rate or distortion over contrast is learned: batches before it is used, and share of the
# past from then on.
SLOPE_BATCHES, SLOPE_MEMORY = 25, 0.99


def local_contrast(x: Tensor) -> Tensor:
    """Root of the mean squared difference of neighbouring pixels, averaged over the batch.

    Args:
        x: images [B, 3, H, W] of at least 2x2 pixels.

    Returns:
        A number [] in the unit of ``x``.
    """
    across, down = x.diff(dim=3).square().mean(dim=(1, 2, 3)), x.diff(dim=2).square().mean(dim=(1, 2, 3))
    return (across + down).sqrt().mean()


class ControlVariate:
    """A multiplier with a target, told of each step what a batch of average contrast would have given.

    It has the interface of a multiplier; ``update`` takes the batch's ``local_contrast`` besides.
    """

    _kept = ("batches", "mean_contrast", "level", "level_weight", "covariance", "variance")

    def __init__(self, multiplier: LogAscent | ModifiedDifferential) -> None:
        self.multiplier = multiplier
        self.batches, self.mean_contrast = 0.0, 0.0
        self.level, self.level_weight, self.covariance, self.variance = 0.0, 0.0, 0.0, 0.0

    @property
    def value(self) -> float:
        """λ of the next step."""
        return self.multiplier.value

    def update(self, bpp: float, mse: float, contrast: float = math.nan) -> None:
        """Tell the multiplier bit/pixel and mean squared error of the last step, without the luck of its
        patches.
        """
        if self.multiplier.on_rate:
            self.multiplier.update(self._without_luck(bpp, contrast), mse)
        else:
            self.multiplier.update(bpp, self._without_luck(mse, contrast))

    def _without_luck(self, measured: float, contrast: float) -> float:
        """What a batch of average contrast would have given: measured - slope * (contrast - its mean).

        The slope is that of the batches before, relative to the level of rate or distortion, which moves
        while the model learns; so it knows nothing of this batch, and the mean over many batches stays what
        it was. The level is a mean of what was measured, not of what was corrected: corrected values of very
        small batches can be negative.
        """
        if not math.isfinite(contrast):  # patches of a single pixel have no neighbours
            return measured
        self.batches += 1
        self.mean_contrast += (contrast - self.mean_contrast) / self.batches
        luck = contrast - self.mean_contrast
        slope = self.covariance / self.variance if self.batches > SLOPE_BATCHES and self.variance else 0.0
        level = self.level / self.level_weight if self.level_weight else measured
        corrected = measured - slope * luck * level
        self.level = SLOPE_MEMORY * self.level + (1 - SLOPE_MEMORY) * measured
        self.level_weight = SLOPE_MEMORY * self.level_weight + (1 - SLOPE_MEMORY)
        relative = measured / max(self.level / self.level_weight, 1e-12) - 1
        self.covariance = SLOPE_MEMORY * self.covariance + (1 - SLOPE_MEMORY) * luck * relative
        self.variance = SLOPE_MEMORY * self.variance + (1 - SLOPE_MEMORY) * luck**2
        return corrected

    def state(self) -> dict[str, float]:
        """What must be kept to go on later."""
        return {**self.multiplier.state(), **{name: getattr(self, name) for name in self._kept}}

    def restore(self, state: dict[str, float]) -> None:
        """Take up what ``state`` returned; what an older version did not keep starts anew."""
        self.multiplier.restore(state)
        for name in self._kept:
            setattr(self, name, float(state.get(name, getattr(self, name))))
