"""Lesson 7. Means and tables of every element, computed alike by encoder and decoder: the models of lessons 3 to 6 in fixed point.

FactorizedModel      y: a table for each channel
ScaleHyperprior      z: a table for each channel    y: scales from psi
MeanScaleHyperprior  z: a table for each channel    y: means and scales from psi
JointModel           z: a table for each channel    y: means and scales from psi and the context, along the wavefront
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jahp_lib.codec.fixed_point import LIMIT, ExactHyperSynthesis, ExactLinear, leaky_relu, snap
from jahp_lib.codec.tables import (
    GaussianTables,
    Table,
    prior_tables,
    scale_indices,
    scale_thresholds,
    snapped_medians,
)
from jahp_lib.codec.wavefront import Schedule, all_at_once, context_ages, context_offsets, wavefront
from jahp_lib.context import ContextModel, JointModel
from jahp_lib.factorized import FactorizedPrior
from jahp_lib.hyperprior import ScaleHyperprior
from jahp_lib.transforms import LatentModel

CHUNK = 8192  # positions whose features are computed at once: bounds the memory, changes no bit
TOGETHER = 4  # blocks whose older neighbours are looked at together: a few large products are faster than many small ones


class ChannelPredictor:
    """One table and one mean for each channel, from a factorized prior; the same at every position."""

    def __init__(self, prior: FactorizedPrior, device: torch.device) -> None:
        self.tables: Sequence[Table] = prior_tables(prior)
        self.medians = torch.from_numpy(snapped_medians(prior)).to(device)
        self.channels = torch.arange(prior.channels, dtype=torch.int16, device=device)

    def __call__(self, values: Tensor, block: slice, places: Tensor) -> tuple[Tensor, Tensor]:
        n = len(places)
        return self.medians.expand(n, -1), self.channels.expand(n, -1)


class PsiPredictor:
    """Gaussians whose parameters depend on z alone: psi [n, M] (scales) or [n, 2M] (means, then scales), in the order of coding."""

    def __init__(self, psi: Tensor, with_means: bool, thresholds: Tensor) -> None:
        self.psi, self.with_means, self.thresholds = psi, with_means, thresholds

    def __call__(self, values: Tensor, block: slice, places: Tensor) -> tuple[Tensor, Tensor]:
        return means_and_tables(self.psi[block], self.with_means, self.thresholds)


def means_and_tables(parameters: Tensor, with_means: bool, thresholds: Tensor) -> tuple[Tensor, Tensor]:
    """Means (at most LIMIT / 2, so that a mean and a symbol together stay within LIMIT) and indices of scale tables."""
    if not with_means:
        return torch.zeros_like(parameters), scale_indices(parameters, thresholds)
    means, raw_scales = parameters.chunk(2, dim=1)
    return means.clamp(-LIMIT / 2, LIMIT / 2), scale_indices(raw_scales, thresholds)


@dataclass(frozen=True)
class ExactContextModel:
    """Context prediction and entropy parameters of lesson 6 in fixed point, split into what needs y_hat and what does not.

    phi = context(12 neighbours)                the 7 coded at least 4 steps ago for 4 steps at once, the others step by step
    W1 [psi, phi] = W1_psi psi + W1_phi phi     the first term once, for the whole picture
    """

    mask: Tensor  # [k, k], of the context prediction
    old: Tensor  # [neighbours], of those the mask shows: whether it was coded at least TOGETHER steps ago
    context_old: ExactLinear  # [old neighbours * M] to phi [2M], neighbours in the mask's order; with the bias of the layer
    context_new: Tensor  # [2M, new neighbours * M]
    first_psi: ExactLinear  # with the bias of the layer
    first_phi: Tensor  # [out, 2M]
    second: ExactLinear
    third: ExactLinear
    slopes: tuple[float, float]

    @classmethod
    def from_model(cls, model: ContextModel | JointModel) -> ExactContextModel:
        masked, layers = model.context_prediction, model.entropy_parameters
        rows, columns = torch.nonzero(masked.mask, as_tuple=True)
        old = context_ages(masked.mask) >= TOGETHER
        # the older neighbours first, so that the layer can be split behind them
        by_age = torch.argsort((~old).int(), stable=True)
        taps = (
            masked.weight[:, :, rows[by_age], columns[by_age]].transpose(1, 2).flatten(1)
        )  # [2M, neighbours * M]
        first, second, third = (
            ExactLinear.from_rows(
                layers[index].weight.flatten(1), layers[index].bias, f"entropy_parameters.{index}"
            )
            for index in (0, 2, 4)
        )
        first_psi, first_phi = first.split(
            first.weight.shape[1] - 2 * model.M
        )  # of a model without z: no inputs, and the bias
        context_old, context_new = ExactLinear.from_rows(taps, masked.bias, "context_prediction").split(
            int(old.sum()) * model.M
        )
        slopes = layers[1].negative_slope, layers[3].negative_slope
        return cls(masked.mask, old, context_old, context_new, first_psi, first_phi, second, third, slopes)


class JointPredictor:
    """Gaussians whose parameters depend on z and on the neighbours coded before; asked for the blocks of ``schedule`` in their order."""

    def __init__(
        self, network: ExactContextModel, psi_half: Tensor, schedule: Schedule, thresholds: Tensor
    ) -> None:
        self.network, self.psi_half, self.thresholds = network, psi_half, thresholds
        offsets = context_offsets(network.mask, schedule.row_length)
        self.old_offsets, self.new_offsets = (
            offsets[chosen].to(psi_half.device) for chosen in (network.old, ~network.old)
        )
        self.places = torch.from_numpy(schedule.places).to(psi_half.device)
        # by time, not by number: where a latent is narrower than 3, some times have no block
        groups = [
            list(group)
            for _, group in groupby(
                zip(schedule.times // TOGETHER, schedule.blocks, strict=True), lambda pair: pair[0]
            )
        ]
        self.groups = iter([slice(group[0][1].start, group[-1][1].stop) for group in groups])
        self.group, self.phi_old = slice(0, 0), psi_half[:0]

    def __call__(self, values: Tensor, block: slice, places: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        if block.start >= self.group.stop:
            self.group = next(self.groups)
            self.phi_old = network.context_old(neighbours(values, self.places[self.group], self.old_offsets))
        phi = self.phi_old[block.start - self.group.start : block.stop - self.group.start]
        phi = snap(F.linear(neighbours(values, places, self.new_offsets), network.context_new).add_(phi))
        hidden = F.linear(phi, network.first_phi).add_(self.psi_half[block])
        hidden = snap(leaky_relu(hidden, network.slopes[0]))
        hidden = snap(leaky_relu(network.second(hidden), network.slopes[1]))
        return means_and_tables(snap(network.third(hidden)), True, self.thresholds)


def neighbours(values: Tensor, places: Tensor, offsets: Tensor) -> Tensor:
    """The rows of ``values`` [rows, C] at each of ``places`` [n] plus each of ``offsets`` [k], side by side: [n, k * C]."""
    return values.index_select(0, (places[:, None] + offsets).flatten()).view(len(places), -1)


Predictor = ChannelPredictor | PsiPredictor | JointPredictor


class EntropyModel:
    """What encoder and decoder compute alike for one model of the ladder, prepared once.

    Raises:
        ValueError: no model of the ladder, or weights that are not finite, or too large for exact sums.
    """

    def __init__(self, model: LatentModel, device: torch.device) -> None:
        if not isinstance(model, LatentModel):
            raise ValueError(f"There is no codec for a {type(model).__name__}.")
        self.M, self.has_hyper_latent, self.with_means = (
            model.M,
            hasattr(model, "h_s"),
            not isinstance(model, ScaleHyperprior),
        )
        self.prior = ChannelPredictor(model.prior, device) if hasattr(model, "prior") else None
        self.h_s = ExactHyperSynthesis.from_network(model.h_s) if self.has_hyper_latent else None
        self.context = ExactContextModel.from_model(model) if hasattr(model, "context_prediction") else None
        self.gaussian_tables = GaussianTables()
        self.thresholds = torch.from_numpy(scale_thresholds()).to(device)

    @property
    def y_tables(self) -> Sequence[Table]:
        return self.gaussian_tables if self.has_hyper_latent or self.context else self.prior.tables

    def schedule(self, height: int, width: int) -> Schedule:
        """The order in which y is coded."""
        if self.context is None:
            return all_at_once(height, width)
        return wavefront(height, width, self.context.mask.shape[0])

    def y_predictor(self, z_hat: Tensor | None, schedule: Schedule) -> Predictor:
        """The predictor of y for one picture, from z_hat [N, h, w] (None where there is none)."""
        if z_hat is None and self.context is None:
            return self.prior
        if z_hat is None:
            psi_half = self.context.first_psi.bias.expand(len(schedule.order), -1)
            return JointPredictor(self.context, psi_half, schedule, self.thresholds)
        psi = self.h_s(z_hat)[:, : schedule.height, : schedule.width].flatten(1)  # [channels, positions]
        order = torch.from_numpy(schedule.order).to(psi.device)
        if self.context is None:
            return PsiPredictor(psi.T, self.with_means, self.thresholds)
        psi_half = torch.empty(
            len(order), self.context.first_phi.shape[0], dtype=psi.dtype, device=psi.device
        )
        for chunk, places in zip(psi_half.split(CHUNK), order.split(CHUNK), strict=True):
            chunk.copy_(self.context.first_psi(psi[:, places].T))
        return JointPredictor(self.context, psi_half, schedule, self.thresholds)


def network_device(model: nn.Module) -> torch.device:
    """Where a codec runs: where the model is if that is the CPU or CUDA, else (no float64 there) on the CPU."""
    device = next(model.parameters()).device
    return device if device.type in ("cpu", "cuda") else torch.device("cpu")
