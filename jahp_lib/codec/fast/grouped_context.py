"""The context model of ``entropy_models`` with fewer and larger matrix products; every number comes out the
same.

Two observations, both about sums that may be taken apart because fixed point adds exactly in any order:

* The first layer of the entropy parameters is W [psi, phi] = W_psi psi + W_phi phi. psi is known for the
  whole picture before the first symbol, so W_psi psi is computed once for all positions and not step by step.
* A position at time t of the wavefront has 12 neighbours. Those coded at time t - ``TOGETHER`` or before are
  known to all positions of the times t, t + 1, ..., t + ``TOGETHER`` - 1 of a group when the group begins. So
  their share of phi is one product for the whole group; only the share of the younger neighbours is computed
  step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from jahp_lib.codec.entropy_models import ExactContextModel, Predictor, means_and_tables, neighbours
from jahp_lib.codec.fixed_point import ExactLinear, leaky_relu, snap
from jahp_lib.codec.wavefront import Schedule, context_ages, context_offsets

CHUNK = 8192  # positions whose W_psi psi is computed at once: bounds the memory, changes no bit
TOGETHER = 4  # steps of the wavefront in a group


@dataclass(frozen=True)
class GroupedContextModel:
    """An ``ExactContextModel`` whose layers are split into what is known early and what is not."""

    mask: Tensor  # [k, k], of the context prediction
    old: Tensor  # for each neighbour, in the mask's order: whether it was coded at least TOGETHER steps ago
    context_old: ExactLinear  # [old neighbours * M] to phi [2M], with the bias of the layer
    context_new: Tensor  # [2M, new neighbours * M]
    first_psi: ExactLinear  # with the bias of the layer; of no inputs where there is no z
    first_phi: Tensor  # [hidden, 2M]
    second: ExactLinear
    third: ExactLinear
    slopes: tuple[float, float]

    @classmethod
    def from_plain(cls, plain: ExactContextModel) -> GroupedContextModel:
        """Split the layers of the plain form; no weight changes."""
        old = context_ages(plain.mask) >= TOGETHER
        features, columns = plain.context.weight.shape
        channels = columns // len(old)  # M
        by_age = torch.argsort((~old).int(), stable=True)  # the older neighbours first
        taps = plain.context.weight.view(features, len(old), channels)[:, by_age].flatten(1)
        context_old, context_new = ExactLinear(taps, plain.context.bias).split(int(old.sum()) * channels)
        first_psi, first_phi = plain.first.split(plain.first.weight.shape[1] - features)
        return cls(
            plain.mask,
            old,
            context_old,
            context_new,
            first_psi,
            first_phi,
            plain.second,
            plain.third,
            plain.slopes,
        )

    def predictor(self, psi: Tensor | None, schedule: Schedule, thresholds: Tensor) -> Predictor:
        """The predictor of one picture; psi [2M, positions], None for a model without z."""
        return GroupedContextPredictor(self, self._psi_share(psi, schedule), schedule, thresholds)

    def _psi_share(self, psi: Tensor | None, schedule: Schedule) -> Tensor:
        """W_psi psi with the layer's bias, [positions, hidden], in the order of coding."""
        if psi is None:
            return self.first_psi.bias.expand(len(schedule.order), -1)
        order = torch.from_numpy(schedule.order).to(psi.device)
        share = torch.empty(len(order), self.first_phi.shape[0], dtype=psi.dtype, device=psi.device)
        for chunk, positions in zip(share.split(CHUNK), order.split(CHUNK), strict=True):
            chunk.copy_(self.first_psi(psi[:, positions].T))
        return share


class GroupedContextPredictor:
    """``ContextPredictor``, asked for the blocks of ``schedule`` in their order."""

    def __init__(
        self, network: GroupedContextModel, psi_share: Tensor, schedule: Schedule, thresholds: Tensor
    ) -> None:
        self.network, self.psi_share, self.thresholds = network, psi_share, thresholds
        device = psi_share.device
        offsets = context_offsets(network.mask, schedule.row_length)
        self.old_offsets, self.new_offsets = offsets[network.old].to(device), offsets[~network.old].to(device)
        self.slots = torch.from_numpy(schedule.slots).to(device)
        # by time, not by number: where a latent is narrower than 3, some times have no block
        numbered = zip(schedule.times // TOGETHER, schedule.blocks, strict=True)
        groups = [list(group) for _, group in groupby(numbered, lambda pair: pair[0])]
        self.groups = iter([slice(group[0][1].start, group[-1][1].stop) for group in groups])
        self.group, self.phi_old = slice(0, 0), psi_share[:0]

    def __call__(self, values: Tensor, block: slice, slots: Tensor) -> tuple[Tensor, Tensor]:
        network = self.network
        if block.start >= self.group.stop:
            self.group = next(self.groups)
            self.phi_old = network.context_old(neighbours(values, self.slots[self.group], self.old_offsets))
        phi = self.phi_old[block.start - self.group.start : block.stop - self.group.start]
        phi = snap(F.linear(neighbours(values, slots, self.new_offsets), network.context_new).add_(phi))
        hidden = F.linear(phi, network.first_phi).add_(self.psi_share[block])
        hidden = snap(leaky_relu(hidden, network.slopes[0]))
        hidden = snap(leaky_relu(network.second(hidden), network.slopes[1]))
        return means_and_tables(snap(network.third(hidden)), True, self.thresholds)
