"""Lesson 7. The context model: what has been decoded nearby helps to predict what comes next.

    y_hat --masked conv 5x5, type A--> phi
    z_hat --h_s----------------------> psi      [psi, phi] --three 1x1 convolutions--> means, scales

Source: Minnen et al. 2018, figure 1 and table 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from jahp_lib.hyperprior import HyperpriorModel, bound_scales, gaussian_bits
from jahp_lib.masked_conv import MaskedConv2d
from jahp_lib.rate_distortion import quantize
from jahp_lib.transforms import NO_GAINS, Gains, LatentModel, Lmbda, ModelOutput, conv, in_full_precision


class ContextPrediction(MaskedConv2d):
    """phi: what the 12 neighbours already decoded say about each position; [B, M, h, w] to [B, 2M, h, w].

    Source: Minnen et al. 2018, table 1, column "Context Prediction": one masked 5x5 convolution, linear.
    """

    def __init__(self, M: int) -> None:
        super().__init__("A", M, 2 * M, kernel_size=5, padding=2)


class EntropyParameters(nn.Sequential):
    """Means and raw scales from features [B, ``inputs``, h, w]: [B, 2M, h, w], means before scales.

    The joint model has both kinds of features, psi before phi, 4M channels in all (the default). All kernels
    are 1x1, so what is causal stays causal. Widths 4M, 10M/3, 8M/3, 2M: for M = 192, 768, 640, 512, 384.

    Source: Minnen et al. 2018, table 1, column "Entropy Parameters".
    """

    def __init__(self, M: int, inputs: int | None = None) -> None:
        super().__init__(
            conv(4 * M if inputs is None else inputs, 10 * M // 3, kernel_size=1, stride=1),
            nn.LeakyReLU(),
            conv(10 * M // 3, 8 * M // 3, kernel_size=1, stride=1),
            nn.LeakyReLU(),
            conv(8 * M // 3, 2 * M, kernel_size=1, stride=1),
        )

    def means_and_scales(self, *features: Tensor) -> tuple[Tensor, Tensor]:
        """Both halves of the output, [B, M, h, w] each, for psi and phi (or phi alone);
        scales without their bound.
        """
        means, raw_scales = self(torch.cat(features, dim=1)).chunk(2, dim=1)
        return means, raw_scales


class ContextModel(LatentModel):
    """Context alone: means and scales from the neighbours decoded so far, no z. Which half of the joint model
    does the work?

                 ┌─────┐ y  ┌───┐ y_hat                    ┌─────┐
          x ──▶──┤ g_a ├─▶──┤ Q ├──┬──────────────────▶────┤ g_s ├──▶── x_hat
                 └─────┘    └───┘  │                       └─────┘
                          ┌────────┴───────────┐
                          │ context_prediction │
                          └────────┬───────────┘
                                   │ phi   ┌────────────────────┐
                                   └───────┤ entropy_parameters ├──▶── means, scales of y_hat
                                           └────────────────────┘

    The first position decoded sees only zeros: its mean and scale are learned numbers, the same in every
    picture.

    In evaluation mode context and x_hat come from round(y), as in ``JointModel``.

    Source: the column without hyperprior in Minnen et al. 2018, figure 2 ("context-only").
    """

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        self.context_prediction = ContextPrediction(M)
        self.entropy_parameters = EntropyParameters(M, inputs=2 * M)

    def forward(self, x: Tensor, lmbda: Lmbda = None, gains: Gains = NO_GAINS) -> ModelOutput:
        """See ``LatentModel.forward``."""
        gain, inverse_gain = gains
        y = self.analyse(x) * gain  # [B, M, h, w]
        with in_full_precision(y):
            y_seen = quantize(y, self.training)
            phi = self.context_prediction(y_seen)  # [B, 2M, h, w]
            means, raw_scales = self.entropy_parameters.means_and_scales(phi)  # [B, M, h, w] each
            scales = bound_scales(raw_scales)
            y_hat = y_seen if self.training else quantize(y, False, means)
            y_bits = gaussian_bits(y_hat, means, scales)
        x_hat = self.synthesise(self.seen_by_synthesis(y, y_seen, means) * inverse_gain, *x.shape[-2:])
        nothing = y.new_zeros(y.shape[0], 0, 1, 1)
        return ModelOutput(x_hat, y_hat, nothing, means, scales, y_bits, nothing)


class JointModel(HyperpriorModel):
    """The full model: autoregressive and hierarchical priors together.

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

    In evaluation mode this is the quick estimate of one pass, the same as CompressAI's: context and x_hat
    come from round(y), and what is priced is y_hat = round(y - means) + means. The codec of lesson 9 walks
    position by position, and uses the latter for all three.

    Source: Minnen et al. 2018, figure 1 and table 1.
    """

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        self.context_prediction = ContextPrediction(M)
        self.entropy_parameters = EntropyParameters(M)

    def forward(self, x: Tensor, lmbda: Lmbda = None, gains: Gains = NO_GAINS) -> ModelOutput:
        """See ``LatentModel.forward``."""
        gain, inverse_gain = gains
        y = self.analyse(x) * gain  # [B, M, h, w]
        with in_full_precision(y):
            z = self.hyper_analyse(y)  # [B, N, h/4, w/4]
            z_hat = quantize(z, self.training, self.prior.medians[:, None, None])
            z_bits = self.prior(z_hat)
            psi = self.hyper_synthesise(z_hat, *y.shape[-2:])  # [B, 2M, h, w]
            y_seen = quantize(y, self.training)
            phi = self.context_prediction(y_seen)  # [B, 2M, h, w]
            means, raw_scales = self.entropy_parameters.means_and_scales(psi, phi)  # [B, M, h, w] each
            scales = bound_scales(raw_scales)
            y_hat = y_seen if self.training else quantize(y, False, means)
            y_bits = gaussian_bits(y_hat, means, scales)
        x_hat = self.synthesise(self.seen_by_synthesis(y, y_seen, means) * inverse_gain, *x.shape[-2:])
        return ModelOutput(x_hat, y_hat, z_hat, means, scales, y_bits, z_bits)
