"""Lesson 10. One model for every λ: gains that set the quantisation step of each channel.

    y --* gain(lmbda)--> Q --> * inverse_gain(lmbda) --> g_s

A larger gain makes the step smaller against the signal: more bits, less error. Both gains are smooth positive
functions of log λ, so that every λ between the ends of the range is served, not only those seen in training.
At high rate the best step goes as λ^(-1/2) (the distortion of a step s is s**2 / 12), and that is where
training starts from.

Source of gain and inverse gain units: Cui et al. 2021, "Asymmetric gained deep image compression with
continuous rate adaptation"; there gains are learned at a few λ and interpolated, here they are exponentials
of polynomials in log λ.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from jahp_lib.rate_distortion import check_lmbda
from jahp_lib.transforms import Gains, LatentModel, Lmbda, ModelOutput, in_full_precision

LMBDA_MIN, LMBDA_MAX = 0.0018, 0.18
DEFAULT_LMBDA = 0.013


class Gain(nn.Module):
    """A positive factor for each of ``channels`` channels, the exponential of a cubic in log λ.

    Called with λ (a number, or a tensor [B]) it returns [1 or B, C, 1, 1]. ``sign`` +1 starts as λ^(1/2), -1
    as λ^(-1/2), both 1 in the middle of the range.
    """

    def __init__(self, channels: int, sign: int) -> None:
        super().__init__()
        low, high = math.log(LMBDA_MIN), math.log(LMBDA_MAX)
        self.centre, self.half_width = (low + high) / 2, (high - low) / 2
        coefficients = torch.zeros(channels, 4)  # of the powers 0 to 3
        coefficients[:, 1] = sign * self.half_width / 2
        self.coefficients = nn.Parameter(coefficients)

    def forward(self, lmbda: float | Tensor) -> Tensor:
        values = torch.as_tensor(lmbda, dtype=torch.float32, device=self.coefficients.device).reshape(-1)
        position = ((values.log() - self.centre) / self.half_width).clamp(-1, 1)
        powers = position[:, None] ** torch.arange(self.coefficients.shape[1], device=position.device)
        with in_full_precision(
            powers
        ):  # in bfloat16 a gain would be up to 2 % off: another step than the codec's
            return (powers @ self.coefficients.T).exp()[:, :, None, None]


class VariableRate(nn.Module):
    """Any model of the ladder with gains around its quantiser: ``model(x, lmbda)`` for every λ in [0.0018,
    0.18].

    Outside that range the gains stay what they are at its end. ``y_hat``, ``means``, ``scales`` and bits are
    those of the scaled latent, the one that is coded.

    Raises:
        ValueError: ``forward`` got a λ that is not finite and above 0.
    """

    serves_every_lmbda = True

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model
        self.gain = Gain(model.M, sign=+1)
        self.inverse_gain = Gain(model.M, sign=-1)

    @property
    def config(self) -> dict[str, str | int | bool]:
        """What it takes to build this model again: that of the model inside, and that it has gains."""
        return {**self.model.config, "variable_rate": True}

    @property
    def base(self) -> LatentModel:
        """The model of the ladder itself, without the gains."""
        return self.model

    def forward(self, x: Tensor, lmbda: Lmbda = None) -> ModelOutput:
        """Images [B, 3, H, W] in [0, 1] through the model, for one λ (0.013 if none is given) or one for
        each image [B]."""
        return self.model(x, lmbda, self.gains(lmbda))

    def gains(self, lmbda: Lmbda = None) -> Gains:
        """What y is multiplied with before it is quantised, and y_hat afterwards: [1 or B, M, 1, 1] each."""
        lmbda = DEFAULT_LMBDA if lmbda is None else lmbda
        check_lmbda(lmbda)
        return self.gain(lmbda), self.inverse_gain(lmbda)

    def analyse(self, x: Tensor, lmbda: Lmbda = None) -> Tensor:
        """Images [B, 3, H, W] to latents scaled for ``lmbda``, not quantised."""
        return self.model.analyse(x) * self.gains(lmbda)[0]

    def synthesise(self, y_hat: Tensor, height: int, width: int, lmbda: Lmbda = None) -> Tensor:
        """Quantised scaled latents to images [B, 3, ``height``, ``width``]."""
        return self.model.synthesise(y_hat * self.gains(lmbda)[1], height, width)
