"""No lesson. A bar that shows how far a training has come."""

from __future__ import annotations

from tqdm.auto import tqdm

from jahp_lib.training.records import EpochRecord
from jahp_lib.training.settings import Settings


class ProgressBar:
    """Steps done of all steps, or seconds trained where the clock ends the run; loss, rate and quality of the
    epoch so far.
    """

    def __init__(self, settings: Settings, step: int, seconds: float, visible: bool) -> None:
        self.by_clock = settings.minutes is not None
        self.total = settings.steps if settings.minutes is None else 60 * settings.minutes
        self.bar = tqdm(
            total=self.total,
            initial=self._done(step, seconds),
            desc="training",
            unit="step",
            bar_format="{l_bar}{bar}| {n:.0f}/{total:.0f} s{postfix}" if self.by_clock else None,
            disable=not visible,
        )

    def _done(self, step: int, seconds: float) -> float:
        return min(seconds, self.total) if self.by_clock else step

    def show(self, step: int, seconds: float, record: EpochRecord) -> None:
        """The run has come so far, and ``record`` is that of the epoch under way."""
        self.bar.set_postfix_str(
            f"loss {record.loss:.3f}, {record.bpp:.3f} bpp, {record.psnr:.2f} dB, "
            f"{record.images_per_second:.1f} images/s",
            refresh=False,
        )
        self.bar.update(self._done(step, seconds) - self.bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
