"""The ladder of models: each rung a better answer to the question how the latent y is distributed.

    FactorizedModel      every element of a channel alike                              (lesson 3)
    ScaleHyperprior      a scale for each element, sent as z                           (lesson 5)
    MeanScaleHyperprior  a mean and a scale for each element, sent as z                (lesson 5)
    JointModel           means and scales from z and from the neighbours decoded so far (lesson 6)

                 ┌─────┐ y              ┌───┐ y_hat                    ┌─────┐
          x ──▶──┤ g_a ├──┬─────────▶───┤ Q ├──┬──────────────────▶────┤ g_s ├──▶── x_hat
                 └─────┘  │             └───┘  │                       └─────┘
                      ┌───┴─┐         ┌────────┴───────────┐
                      │ h_a │         │ context_prediction │
                      └───┬─┘         └────────┬───────────┘
                        z ▼                    │ phi
                        ┌─┴─┐ z_hat ┌─────┐    ▼   ┌────────────────────┐
                        │ Q ├───▶───┤ h_s ├────┴───┤ entropy_parameters ├──▶── means, scales of y_hat
                        └───┘       └─────┘  psi   └────────────────────┘

``Q`` adds uniform noise in training mode and rounds in evaluation mode. Source: Minnen et al. 2018, figure 1.

In evaluation mode ``JointModel`` gives the quick estimate of one pass: context and x_hat from round(y), bits of
round(y - means). The codec of lesson 7 walks position by position and codes round(y - means) + means everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from jahp_lib.context import ContextPrediction, EntropyParameters
from jahp_lib.factorized import FactorizedPrior
from jahp_lib.hyperprior import HyperAnalysisTransform, HyperSynthesisTransform, bound_scales, gaussian_bits
from jahp_lib.rate_distortion import add_uniform_noise, round_straight_through
from jahp_lib.transforms import (
    STRIDE,
    AnalysisTransform,
    SynthesisTransform,
    check_size_without_padding,
    check_sizes,
    crop,
    pad_to_multiple,
)


@dataclass(frozen=True, repr=False)
class Coding:
    """How a latent is coded: quantised values, their Gaussians and their bits.

    ``y_hat``, ``y_bits`` [B, M, h, w]; ``z_hat``, ``z_bits`` [B, N, h/4, w/4] (no channels where a model has no z);
    ``means``, ``scales`` like ``y_hat`` (None where a model has none). Bits are per element, not reduced.
    """

    y_hat: Tensor
    z_hat: Tensor
    means: Tensor | None
    scales: Tensor | None
    y_bits: Tensor
    z_bits: Tensor

    def __repr__(self) -> str:
        shapes = (f"{name}={'None' if value is None else list(value.shape)}" for name, value in vars(self).items())
        return f"{type(self).__name__}({', '.join(shapes)})"


@dataclass(frozen=True, repr=False)
class ModelOutput(Coding):
    """What a model returns: a ``Coding`` and the reconstruction ``x_hat`` [B, 3, H, W], not clipped to [0, 1]."""

    x_hat: Tensor


class LatentModel(nn.Module):
    """What all four models share: g_a, g_s, padding, and a factorized density that a subclass puts to use in ``code``.

    Args:
        N: channels of the hidden layers and of z. The paper's models have 192.
        M: channels of y. The paper's table has 192; CompressAI's published models have 320 for the four largest λ.
        padding: "same" for images of any size from 1x1, or "valid" for none at all (sides of 64 k + 189 pixels).

    Set ``rounds_in_training`` to True and g_s is trained on rounded latents (its gradient passing straight through), while bits are
    still counted on noisy ones. Source: Minnen & Singh 2020, "Channel-wise autoregressive entropy models for learned image
    compression".

    Raises:
        ValueError: N or M is not a positive integer, ``padding`` is another word; in ``forward``, x is not [B, 3, H, W] with
            floating-point values, or its size does not fit "valid".
    """

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__()
        check_sizes(N, M, padding)
        self.N, self.M, self.padding = N, M, padding
        self.g_a = AnalysisTransform(N, M, padding)
        self.g_s = SynthesisTransform(N, M, padding)
        self.rounds_in_training = False

    @property
    def config(self) -> dict[str, str | int]:
        """What it takes to build this model again: the name of its class and its arguments."""
        return {"architecture": type(self).__name__, "N": self.N, "M": self.M, "padding": self.padding}

    def forward(self, x: Tensor) -> ModelOutput:
        coding = self.code_in_full_precision(self.analyse(x))
        return ModelOutput(**vars(coding), x_hat=self.synthesise(coding.y_hat, *x.shape[-2:]))

    def analyse(self, x: Tensor) -> Tensor:
        """Images [B, 3, H, W] in [0, 1] to unquantised latents y [B, M, ceil(H/16), ceil(W/16)] ("same")."""
        if x.dim() != 4 or x.shape[1] != 3 or 0 in x.shape or not x.is_floating_point():
            raise ValueError(
                f"A model expects images as floats [B, 3, H, W] in [0, 1], not {x.dtype} {list(x.shape)}; "
                "jahp_lib.data.to_float turns uint8 pixels into them."
            )
        if self.padding == "same":
            return self.g_a(pad_to_multiple(x, STRIDE))
        check_size_without_padding(*x.shape[-2:])
        return self.g_a(x)

    def synthesise(self, y_hat: Tensor, height: int, width: int) -> Tensor:
        """Quantised latents to images [B, 3, ``height``, ``width``]."""
        return crop(self.g_s(y_hat), height, width)

    def code_in_full_precision(self, y: Tensor) -> Coding:
        """``code`` outside autocast: means and bits need more digits than bfloat16 has, and cost little next to g_a and g_s."""
        with torch.autocast(y.device.type, enabled=False):
            return self.code(y.float())

    def code(self, y: Tensor) -> Coding:
        """Quantise a latent and count its bits: noise in training mode, rounding in evaluation mode."""
        raise NotImplementedError

    def quantize(self, values: Tensor, offsets: Tensor | float = 0.0) -> Tensor:
        """Noise in training mode, else ``round(values - offsets) + offsets``; same shape."""
        if self.training:
            return add_uniform_noise(values)
        return torch.round(values - offsets) + offsets

    def shown_to_synthesis(self, y: Tensor, y_hat: Tensor, offsets: Tensor | float = 0.0) -> Tensor:
        """What g_s gets for ``y``: its quantised form ``y_hat``, or in training what the decoder will have, if the model is set so."""
        if self.training and self.rounds_in_training:
            return round_straight_through(y - offsets) + offsets
        return y_hat


class FactorizedModel(LatentModel):
    """The first rung: one learned density for each channel of y, no z.

    Source: Ballé, Laparra & Simoncelli 2017; the density is that of Ballé et al. 2018, appendix 6.1.
    """

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        self.prior = FactorizedPrior(M)

    def code(self, y: Tensor) -> Coding:
        medians = self.prior.medians[:, None, None]
        y_hat = self.quantize(y, medians)
        nothing = y.new_zeros(y.shape[0], 0, 1, 1)
        shown = self.shown_to_synthesis(y, y_hat, medians)
        return Coding(y_hat=shown, z_hat=nothing, means=None, scales=None, y_bits=self.prior(y_hat), z_bits=nothing)


class HyperpriorModel(LatentModel):
    """What the three models with a hyper-latent share: h_a, h_s and the factorized density of z."""

    hyper_outputs = 2  # channels of psi, as multiples of M

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        self.h_a = HyperAnalysisTransform(N, M, padding)
        self.h_s = HyperSynthesisTransform(N, M, self.hyper_outputs * M, padding)
        self.prior = FactorizedPrior(N)

    def hyper_analyse(self, y: Tensor) -> Tensor:
        """y [B, M, h, w] to z [B, N, ceil(h/4), ceil(w/4)], not quantised."""
        return self.h_a(y)

    def hyper_synthesise(self, z_hat: Tensor, height: int, width: int) -> Tensor:
        """z_hat to psi, cropped to the ``height`` x ``width`` of y (h_s returns multiples of 4)."""
        return crop(self.h_s(z_hat), height, width)

    def code_hyper_latent(self, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z_hat, its bits, and psi for a latent y."""
        z = self.hyper_analyse(y)
        z_hat = self.quantize(z, self.prior.medians[:, None, None])
        return z_hat, self.prior(z_hat), self.hyper_synthesise(z_hat, *y.shape[-2:])


class ScaleHyperprior(HyperpriorModel):
    """The second rung: z tells the scale of each element, means are zero. h_a reads \\|y\\|: a scale has no sign.

    Source: Ballé et al. 2018, section 3 and figure 4 (with the hyper-networks of Minnen et al. 2018, so that rungs compare).
    """

    hyper_outputs = 1

    def hyper_analyse(self, y: Tensor) -> Tensor:
        return self.h_a(y.abs())

    def code(self, y: Tensor) -> Coding:
        z_hat, z_bits, psi = self.code_hyper_latent(y)
        scales = bound_scales(psi)
        y_hat = self.quantize(y)
        means = torch.zeros_like(scales)
        return Coding(self.shown_to_synthesis(y, y_hat), z_hat, means, scales, gaussian_bits(y_hat, means, scales), z_bits)


class MeanScaleHyperprior(HyperpriorModel):
    """The third rung: z tells mean and scale of each element. Source: Minnen et al. 2018 (without context model)."""

    def code(self, y: Tensor) -> Coding:
        z_hat, z_bits, psi = self.code_hyper_latent(y)
        means, raw_scales = psi.chunk(2, dim=1)
        scales = bound_scales(raw_scales)
        y_hat = self.quantize(y, means)
        return Coding(self.shown_to_synthesis(y, y_hat, means), z_hat, means, scales, gaussian_bits(y_hat, means, scales), z_bits)


class JointModel(HyperpriorModel):
    """The full model: autoregressive and hierarchical priors together. Source: Minnen et al. 2018, figure 1 and table 1."""

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        self.context_prediction = ContextPrediction(M)
        self.entropy_parameters = EntropyParameters(M)

    def code(self, y: Tensor) -> Coding:
        z_hat, z_bits, psi = self.code_hyper_latent(y)
        y_hat = self.quantize(y)
        means, raw_scales = self.entropy_parameters.means_and_scales(psi, self.context_prediction(y_hat))
        scales = bound_scales(raw_scales)
        # in evaluation mode the coded symbol is round(y - means), though the context above was made from round(y)
        coded = y_hat if self.training else self.quantize(y, means)
        return Coding(self.shown_to_synthesis(y, y_hat, means), z_hat, means, scales, gaussian_bits(coded, means, scales), z_bits)


MODELS: dict[str, type[LatentModel]] = {
    model.__name__: model for model in (FactorizedModel, ScaleHyperprior, MeanScaleHyperprior, JointModel)
}
