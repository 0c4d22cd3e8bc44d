"""The recorded run of lesson 12: from noise to a picture, with snapshots spaced evenly in log time."""

from dataclasses import replace

from jahp_lib.training.recipes import small
from jahp_lib.training.recipes.phases import Phase

MINUTES = 120.0  # on one processor core


def phases(minutes: float = MINUTES) -> list[Phase]:
    """As for ``small``, but from random weights: a linear start would leave nothing of the beginning to be
    seen.
    """
    settings = replace(small.phases(minutes)[0].settings, linear_start=False)
    return [Phase("recorded", settings, snapshots="log", file="recorded.safetensors")]
