"""The weights ``full``: the paper's size, N = M = 192, one model for every λ. For a GPU."""

from dataclasses import replace

from jahp_lib.training.recipes import small
from jahp_lib.training.recipes.phases import Phase

MINUTES = 600.0  # on one large GPU


def phases(minutes: float = MINUTES) -> list[Phase]:
    """As for ``small``, with more channels and a batch twice as large."""
    settings = replace(
        small.phases(minutes)[0].settings, N=192, M=192, batch=16, steps_per_epoch=1000, bfloat16=True
    )
    return [Phase("whole_model", settings, file="full.safetensors", precision="float16")]
