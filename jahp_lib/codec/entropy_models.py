"""Lesson 9. Means and tables of every element, computed alike by encoder and decoder: the ladder's models in
fixed point.

    FactorizedModel      y: a table for each channel
    ScaleHyperprior      z: a table for each channel    y: scales from psi
    MeanScaleHyperprior  z: a table for each channel    y: means and scales from psi
    ContextModel                                        y: means and scales from the context
    JointModel           z: a table for each channel    y: means and scales from psi and the context

With a context, y is coded along the wavefront; without one, all at once.

A *predictor* is asked block by block, in the order of coding: what are the means of the elements at these
positions, and which tables do their symbols have? This is the plain form; ``fast.grouped_context`` computes
the same numbers with fewer products.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from jahp_lib.codec.fixed_point import LIMIT, ExactHyperSynthesis, ExactLinear, leaky_relu, slope_of, snap
from jahp_lib.codec.tables import (
    GaussianTables,
    Tables,
    prior_tables,
    scale_indices,
    scale_thresholds,
    snapped_medians,
)
from jahp_lib.codec.wavefront import Schedule, all_at_once, context_offsets, wavefront
from jahp_lib.context import ContextModel, JointModel
from jahp_lib.factorized import FactorizedModel, FactorizedPrior
from jahp_lib.hyperprior import HyperpriorModel
from jahp_lib.transforms import LatentModel


class Predictor(Protocol):
    """What ``walk`` asks before it codes a block."""

    def __call__(self, values: Tensor, block: slice, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Means [n, C] and indices of tables [n, C] of the n positions of ``block``.

        Args:
            values: what is coded so far, [slots of the buffer, C], zero elsewhere.
            block: which part of the order of coding is asked for.
            slots: where the block's positions lie in the buffer [n].
        """


class ChannelPredictor:
    """One table and one mean for each channel, from a factorized density; the same at every position."""

    def __init__(self, prior: FactorizedPrior, device: torch.device) -> None:
        self.tables: Tables = prior_tables(prior)
        self.medians = torch.from_numpy(snapped_medians(prior)).to(device)
        self.channels = torch.arange(prior.channels, dtype=torch.int16, device=device)

    def __call__(self, values: Tensor, block: slice, slots: Tensor) -> tuple[Tensor, Tensor]:
        n = len(slots)
        return self.medians.expand(n, -1), self.channels.expand(n, -1)


class PsiPredictor:
    """Gaussians whose parameters depend on z alone:

    psi [M or 2M, positions] is the scales, or means and then scales.
    """

    def __init__(self, psi: Tensor, with_means: bool, schedule: Schedule, thresholds: Tensor) -> None:
        self.psi, self.with_means, self.thresholds = psi, with_means, thresholds
        self.order = torch.from_numpy(schedule.order).to(psi.device)

    def __call__(self, values: Tensor, block: slice, slots: Tensor) -> tuple[Tensor, Tensor]:
        return means_and_tables(self.psi[:, self.order[block]].T, self.with_means, self.thresholds)


def means_and_tables(parameters: Tensor, with_means: bool, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """Means and indices of scale tables from the parameters [n, M] (scales) or [n, 2M] (means, then scales).

    A mean is at most LIMIT / 2, so that a mean and a symbol together stay within LIMIT.
    """
    if not with_means:
        return torch.zeros_like(parameters), scale_indices(parameters, thresholds)
    means, raw_scales = parameters.chunk(2, dim=1)
    return means.clamp(-LIMIT / 2, LIMIT / 2), scale_indices(raw_scales, thresholds)


@dataclass(frozen=True)
class ExactContextModel:
    """Context prediction and entropy parameters of lesson 7 in fixed point."""

    mask: Tensor  # [k, k], of the context prediction
    context: ExactLinear  # [neighbours * M] to phi [2M], neighbours in the mask's order
    first: ExactLinear  # [psi, phi], or phi alone, to the first hidden layer
    second: ExactLinear
    third: ExactLinear
    slopes: tuple[float, float]  # of the two leaky ReLUs

    @classmethod
    def from_model(cls, model: ContextModel | JointModel) -> ExactContextModel:
        masked, layers = model.context_prediction, model.entropy_parameters
        rows, columns = torch.nonzero(masked.mask, as_tuple=True)
        taps = masked.weight[:, :, rows, columns].transpose(1, 2).flatten(1)  # [2M, neighbours * M]
        first, second, third = (
            ExactLinear.from_layer(layers[index], f"entropy_parameters.{index}") for index in (0, 2, 4)
        )
        slopes = slope_of(layers[1]), slope_of(layers[3])
        context = ExactLinear.from_rows(taps, masked.bias, "context_prediction")
        return cls(masked.mask, context, first, second, third, slopes)

    def predictor(self, psi: Tensor | None, schedule: Schedule, thresholds: Tensor) -> Predictor:
        """The predictor of one picture; psi [2M, positions], None for a model without z."""
        return ContextPredictor(self, psi, schedule, thresholds)


class ContextPredictor:
    """Gaussians whose parameters depend on the neighbours coded before, and on z where there is one."""

    def __init__(
        self, network: ExactContextModel, psi: Tensor | None, schedule: Schedule, thresholds: Tensor
    ) -> None:
        self.network, self.psi, self.thresholds = network, psi, thresholds
        self.order = torch.from_numpy(schedule.order).to(thresholds.device)
        self.offsets = context_offsets(network.mask, schedule.row_length).to(thresholds.device)

    def __call__(self, values: Tensor, block: slice, slots: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        phi = snap(network.context(neighbours(values, slots, self.offsets)))  # [n, 2M]
        features = phi if self.psi is None else torch.cat((self.psi[:, self.order[block]].T, phi), dim=1)
        hidden = snap(leaky_relu(network.first(features), network.slopes[0]))
        hidden = snap(leaky_relu(network.second(hidden), network.slopes[1]))
        return means_and_tables(snap(network.third(hidden)), True, self.thresholds)


def neighbours(values: Tensor, slots: Tensor, offsets: Tensor) -> Tensor:
    """The rows of ``values`` [rows, C] at each of ``slots`` [n] plus each of ``offsets`` [k], side by side:

    [n, k * C].
    """
    return values.index_select(0, (slots[:, None] + offsets).flatten()).view(len(slots), -1)


class ContextNetwork(Protocol):
    """A context model in fixed point, plain or fast."""

    @property
    def mask(self) -> Tensor:
        """[k, k], of the context prediction."""

    def predictor(self, psi: Tensor | None, schedule: Schedule, thresholds: Tensor) -> Predictor:
        """The predictor of one picture."""


class EntropyModel:
    """What encoder and decoder compute alike for one model of the ladder, prepared once.

    Attributes:
        z_coding: predictor of z, with its tables; None for a model without z.
        context: the context model in fixed point; None for a model without context.

    Raises:
        ValueError: no model of the ladder, or weights that are not finite, or too large for exact sums.
    """

    def __init__(self, model: LatentModel, device: torch.device) -> None:
        self.M = model.M if isinstance(model, LatentModel) else 0
        self.thresholds = torch.from_numpy(scale_thresholds()).to(device)
        self.z_coding: ChannelPredictor | None = None
        self.h_s: ExactHyperSynthesis | None = None
        self.context: ContextNetwork | None = None
        self.with_means = True
        self.y_coding: ChannelPredictor | None = None  # where every element of a channel is alike
        self.y_tables: Tables = GaussianTables()
        if isinstance(model, FactorizedModel):
            self.y_coding = ChannelPredictor(model.prior, device)
            self.y_tables = self.y_coding.tables
        elif isinstance(model, HyperpriorModel):
            self.z_coding = ChannelPredictor(model.prior, device)
            self.h_s = ExactHyperSynthesis.from_network(model.h_s)
            self.with_means = model.hyper_outputs == 2
        elif not isinstance(model, ContextModel):
            raise ValueError(f"There is no codec for a {type(model).__name__}.")
        if isinstance(model, ContextModel | JointModel):
            self.context = ExactContextModel.from_model(model)

    def schedule(self, height: int, width: int) -> Schedule:
        """The order in which y is coded."""
        if self.context is None:
            return all_at_once(height, width)
        return wavefront(height, width, self.context.mask.shape[0])

    def y_predictor(self, z_hat: Tensor | None, schedule: Schedule) -> Predictor:
        """The predictor of y for one picture, from z_hat [N, h, w] (None where there is none)."""
        if self.y_coding is not None:
            return self.y_coding
        psi = None
        if self.h_s is not None and z_hat is not None:
            psi = self.h_s(z_hat)[:, : schedule.height, : schedule.width].flatten(1)  # [channels, positions]
        if self.context is not None:
            return self.context.predictor(psi, schedule, self.thresholds)
        assert psi is not None  # every model has z, a context, or a density for each channel
        return PsiPredictor(psi, self.with_means, schedule, self.thresholds)


def network_device(model: nn.Module) -> torch.device:
    """Where a codec runs: where the model is if that is the CPU or CUDA, else (no float64 there) on the
    CPU."""
    device = next(model.parameters()).device
    return device if device.type in ("cpu", "cuda") else torch.device("cpu")
