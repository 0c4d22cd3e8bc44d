"""Lesson 12. What is kept of an epoch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EpochRecord:
    """Means over one epoch's steps: ``loss`` and ``bpp`` in bit/pixel, ``psnr`` in dB (of the mean error),
    and speed.

    ``lmbda`` is the multiplier's at the end of the epoch, None where every image has its own; ``validation``
    is the loss on patches kept aside, in bit/pixel, None without them.
    """

    epoch: int
    step: int
    loss: float
    bpp: float
    psnr: float
    images_per_second: float
    lmbda: float | None
    validation: float | None = None
