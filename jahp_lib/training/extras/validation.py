"""No lesson. Patches that are never trained on, to see which epoch's weights are best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from jahp_lib.photos.one_photo import to_float
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.training.settings import Settings

PATCHES = 64  # in a validation set
AT_ONCE = 8  # patches, so that validation takes no more memory than a usual step


@dataclass(frozen=True)
class Validation:
    """The loss of a model on fixed patches, in evaluation mode: it rounds as the codec does, and draws no
    noise.

    ``patches`` are uint8 [n, 3, H, W]. A model that takes every λ is measured at values spread over the
    range, one for each patch, with the weights that images have in training.

    Raises:
        ValueError: the settings let a multiplier move λ: losses at different λ cannot be compared.
    """

    patches: Tensor
    settings: Settings

    def __post_init__(self) -> None:
        if self.settings.multiplier != "constant":
            raise ValueError(
                f"The multiplier {self.settings.multiplier!r} moves λ, and losses at different λ cannot be "
                "compared: "
                "leave the validation set out, or take the multiplier 'constant'."
            )

    @property
    def lmbdas(self) -> Tensor | float:
        if self.settings.lmbda_max is None:
            return self.settings.lmbda
        ends = math.log(self.settings.lmbda), math.log(self.settings.lmbda_max)
        positions = (np.arange(len(self.patches)) + 0.5) / len(self.patches)
        return torch.tensor(np.exp(ends[0] + (ends[1] - ends[0]) * positions), dtype=torch.float32)

    def loss(self, model: nn.Module) -> float:
        """Mean loss in bit/pixel over all patches; ``model`` is left in the mode it was in."""
        device, lmbdas = next(model.parameters()).device, self.lmbdas
        was_training, total = model.training, 0.0
        model.eval()
        with torch.inference_mode():
            for start in range(0, len(self.patches), AT_ONCE):
                x = to_float(self.patches[start : start + AT_ONCE].to(device))
                lmbda = lmbdas[start : start + AT_ONCE].to(device) if isinstance(lmbdas, Tensor) else lmbdas
                weights = self.settings.image_weights(lmbda)
                total += rate_distortion_loss(model(x, lmbda), x, lmbda, weights).loss.item() * len(x)
        model.train(was_training)
        return total / len(self.patches)
