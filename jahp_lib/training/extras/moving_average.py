"""No lesson. A moving average of the weights: what it holds is often better than the weights of any one step.

Source: Polyak & Juditsky 1992, "Acceleration of stochastic approximation by averaging"; as an exponential
average it is usual practice since Szegedy et al. 2016 ("Rethinking the Inception architecture").
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

_Tensors = tuple[Tensor, ...] | list[Tensor]


class MovingAverage:
    """The exponential moving average of a model's weights, ``decay`` being the share of the past.

    In its first steps it forgets faster, with a share of (1 + n) / (10 + n), or it would remember the random
    start for long. ``model`` is a model of its own with these weights.
    """

    def __init__(self, model: LatentModel | VariableRate, decay: float) -> None:
        self.decay = decay

        @torch.no_grad()
        def mix(averages: _Tensors, weights: _Tensors, count: Tensor | int) -> None:
            n = int(count)
            torch._foreach_lerp_(averages, weights, 1 - min(self.decay, (1 + n) / (10 + n)))

        self._averaged = AveragedModel(model, multi_avg_fn=mix)

    @property
    def model(self) -> LatentModel | VariableRate:
        return cast("LatentModel | VariableRate", self._averaged.module)

    def update(self, model: nn.Module) -> None:
        """Take in the weights of ``model`` as they are after a step."""
        self._averaged.update_parameters(model)

    def state(self) -> dict[str, Tensor]:
        """What must be kept to go on later."""
        return self._averaged.state_dict()

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up what ``state`` returned."""
        self._averaged.load_state_dict(state)
