"""No lesson. λ for each image of a batch, spread over the range, so that batches differ less from each
other.
"""

from __future__ import annotations

import math

import numpy as np

from jahp_lib.photos.patches import stratified


def spread_lmbdas(count: int, low: float, high: float, rng: np.random.Generator) -> np.ndarray:
    """``count`` values of λ, each log-uniform on [low, high), one in each ``count``-th part of the range,
    float64 [count].

    Drawn freely, a batch of small λ only would pull the parts that serve all λ to one side.
    """
    return np.exp(math.log(low) + math.log(high / low) * stratified(count, rng))
