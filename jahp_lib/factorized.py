"""Lesson 4. The learned density of one channel, and from it the bits of each element.

Each channel has its own cumulative distribution c(v): a tiny network of one input and one output that can
only rise, because its matrices are positive (softplus) and its activations have positive slope. The density
is the derivative of c, and the probability of an integer bin is a difference of c, so rates need no integral:

    bits(v) = -log2( c(v + 1/2) - c(v - 1/2) )

Source: Ballé, Minnen, Singh, Hwang & Johnston 2018, "Variational image compression with a scale hyperprior",
appendix 6.1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jahp_lib.bits import LN2
from jahp_lib.gdn import lower_bound
from jahp_lib.rate_distortion import quantize
from jahp_lib.transforms import NO_GAINS, Gains, LatentModel, Lmbda, ModelOutput, in_full_precision

# No symbol is counted as more than -log2(1e-9) = 29.9 bits. The codec's escapes cost up to 36, and are as
# rare as that.
LIKELIHOOD_BOUND = 1e-9


def bits_from_log_likelihood(log_likelihood: Tensor, likelihood_bound: float = LIKELIHOOD_BOUND) -> Tensor:
    """-log2 of a likelihood given as natural logarithm, at most ``-log2(likelihood_bound)``; same shape, bits
    per element.

    The gradient passes the bound (training can still pull a symbol back from the far tail). 0 means no bound.
    """
    if likelihood_bound > 0:
        log_likelihood = lower_bound(log_likelihood, math.log(likelihood_bound))
    return log_likelihood / -LN2


class TorchMath:
    """The three functions that a learned density is made of;
    the codec has exactly defined ones (``codec.portable_math``).
    """

    softplus = staticmethod(F.softplus)
    tanh = staticmethod(torch.tanh)

    @staticmethod
    def affine(matrix: Tensor, values: Tensor, bias: Tensor) -> Tensor:
        """``matrix @ values + bias``: [C, out, in], [C, in, n] and [C, out, 1] to [C, out, n]."""
        return torch.matmul(matrix, values) + bias


Layer = tuple[Any, Any, Any]  # matrix, bias, factor (None in the last layer)


def cumulative_logits(values: Any, layers: Sequence[Layer], functions: Any) -> Any:
    """Logit of each channel's cumulative distribution: values [C, 1, n] to the same shape, in tensors or
    numpy arrays.

    The one definition of the density: training takes bits from it, the codec its integer tables.
    ``functions`` has ``softplus``, ``tanh`` and ``affine``, as ``TorchMath`` has.
    """
    u = values
    for matrix, bias, factor in layers:
        u = functions.affine(functions.softplus(matrix), u, bias)
        if factor is not None:
            u = u + functions.tanh(factor) * functions.tanh(u)  # slope between 0 and 2: never falls
    return u


class FactorizedPrior(nn.Module):
    """A learned density for each of ``channels`` channels; called with values, it returns their bits.

    Args:
        channels: C.
        filters: widths of the hidden layers of each channel's network; the paper's K = 4 layers have (3, 3,
            3).
        init_scale: width of the density before training; wider than the values it will meet.

    Raises:
        ValueError: ``channels`` is not positive, or the input does not have that many.

    Source: Ballé et al. 2018, appendix 6.1.
    """

    medians: Tensor

    def __init__(
        self, channels: int, filters: tuple[int, ...] = (3, 3, 3, 3), init_scale: float = 10.0
    ) -> None:
        super().__init__()
        if int(channels) != channels or channels < 1:
            raise ValueError(f"FactorizedPrior needs a positive number of channels, not {channels}.")
        self.channels = int(channels)
        widths = (1, *filters, 1)
        scale = init_scale ** (1 / (len(widths) - 1))
        self.matrices = nn.ParameterList()
        self.biases = nn.ParameterList()
        self.factors = nn.ParameterList()
        for fan_in, fan_out in itertools.pairwise(widths):
            # Every weight begins as the same slope, chosen so that the density as a whole is init_scale wide.
            # What is learned is the number whose softplus is the weight, and softplus(log(exp(w) - 1)) = w.
            slope = 1 / scale / fan_out
            start = math.log(math.expm1(slope))
            self.matrices.append(nn.Parameter(torch.full((self.channels, fan_out, fan_in), start)))
            self.biases.append(nn.Parameter(torch.empty(self.channels, fan_out, 1).uniform_(-0.5, 0.5)))
        for width in filters:
            self.factors.append(nn.Parameter(torch.zeros(self.channels, width, 1)))
        self.medians: Tensor
        self.register_buffer("medians", torch.zeros(self.channels))
        self._writes = self._count_writes()
        self.register_load_state_dict_post_hook(_medians_belong)

    def layers(self) -> list[Layer]:
        """Matrix [C, out, in], bias [C, out, 1] and factor [C, out, 1] (None in the last) of each layer, as
        they are learned."""
        return list(itertools.zip_longest(self.matrices, self.biases, self.factors))

    def logits(self, values: Tensor) -> Tensor:
        """Logit of the cumulative distribution: values [C, 1, n] (each row one channel) to the same shape."""
        return cumulative_logits(values, self.layers(), TorchMath)

    def cumulative(self, values: Tensor) -> Tensor:
        """c(v) in (0, 1) for values [C, 1, n]."""
        return torch.sigmoid(self.logits(values))

    def forward(self, z: Tensor) -> Tensor:
        """Bits of each element of z [B, C, H, W] (integers + medians, or noisy values in training); same
        shape.
        """
        if z.dim() != 4 or z.shape[1] != self.channels:
            raise ValueError(
                f"FactorizedPrior({self.channels}) expects [B, {self.channels}, H, W], not {list(z.shape)}."
            )
        batch, channels, height, width = z.shape
        with torch.autocast(z.device.type, enabled=False):
            rows = z.float().transpose(0, 1).reshape(channels, 1, -1)
            lower, upper = self.logits(rows - 0.5), self.logits(rows + 0.5)
            # sigmoid(upper) - sigmoid(lower), in the log domain: both tails keep their digits
            log_likelihood = (
                F.logsigmoid(upper)
                + F.logsigmoid(-lower)
                + torch.log(-torch.expm1((lower - upper).clamp(max=-1e-7)))
            )
            bits = bits_from_log_likelihood(log_likelihood)
        return bits.reshape(channels, batch, height, width).transpose(0, 1)

    def quantize(self, z: Tensor) -> Tensor:
        """Nearest value that can be coded: ``round(z - median) + median`` for each channel of
        [B, C, H, W].
        """
        return quantize(z, training=False, offsets=self.medians[:, None, None])

    def train(self, mode: bool = True) -> Self:
        """As for any module; when training ends (``eval()``), ``medians`` are brought up to date with what
        was learned.

        Medians that were set by hand after the last update are left alone.
        """
        if self.training and not mode and self._medians_are_old():
            self.update_medians()
        return super().train(mode)

    def _count_writes(self) -> tuple[int, int]:
        """How often the parameters, and how often the medians, have been written to."""
        return sum(parameter._version for parameter in self.parameters()), self.medians._version

    def medians_after_training(self) -> Tensor:
        """What ``medians`` will be once training ends, [C]; the density stays as it is."""
        return self._found_medians() if self.training and self._medians_are_old() else self.medians

    def _medians_are_old(self) -> bool:
        """Whether the density has learned since its medians were found, and nobody has set them by hand."""
        parameters, medians = self._count_writes()
        return parameters != self._writes[0] and medians == self._writes[1]

    def __getstate__(self) -> dict[str, object]:
        """As for any object; a copy starts counting writes anew, so what is kept is how far the counts have
        moved on.
        """
        now = self._count_writes()
        moved = (now[0] - self._writes[0], now[1] - self._writes[1])
        return {**self.__dict__, "_writes": moved}

    def __setstate__(self, state: dict[str, object]) -> None:
        super().__setstate__(state)
        moved, now = self._writes, self._count_writes()
        self._writes = (now[0] - moved[0], now[1] - moved[1])

    @torch.no_grad()
    def _found_medians(self) -> Tensor:
        """Where each density has half its mass on either side, [C], by bisection within +-100,000."""
        low = torch.full((self.channels, 1, 1), -1e5, device=self.medians.device)
        high = -low
        for _ in range(64):
            middle = (low + high) / 2
            above = self.logits(middle) > 0
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return ((low + high) / 2).flatten()

    @torch.no_grad()
    def update_medians(self) -> None:
        """Set ``medians`` to where each density has half its mass on either side."""
        self.medians.copy_(self._found_medians())
        self._writes = self._count_writes()

    def extra_repr(self) -> str:
        return f"{self.channels}"


def _medians_belong(prior: FactorizedPrior, _: object) -> None:
    """After weights were loaded: the medians came with them, and stay as they came."""
    prior._writes = prior._count_writes()


def update_medians(model: nn.Module) -> None:
    """Bring the medians of every factorized density in ``model`` up to date, in the middle of a training."""
    for module in model.modules():
        if isinstance(module, FactorizedPrior):
            module.update_medians()


class FactorizedModel(LatentModel):
    """The first rung of the ladder: one learned density for each channel of y, no z.

    Source: Ballé, Laparra & Simoncelli 2017; the density is that of Ballé et al. 2018, appendix 6.1.
    """

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        self.prior = FactorizedPrior(M)

    def forward(self, x: Tensor, lmbda: Lmbda = None, gains: Gains = NO_GAINS) -> ModelOutput:
        """See ``LatentModel.forward``."""
        gain, inverse_gain = gains
        y = self.analyse(x) * gain  # [B, M, h, w]
        with in_full_precision(y):
            medians = self.prior.medians[:, None, None]
            y_hat = quantize(y, self.training, medians)
            y_bits = self.prior(y_hat)
        x_hat = self.synthesise(self.seen_by_synthesis(y, y_hat, medians) * inverse_gain, *x.shape[-2:])
        nothing = y.new_zeros(y.shape[0], 0, 1, 1)
        return ModelOutput(
            x_hat, y_hat, z_hat=nothing, means=None, scales=None, y_bits=y_bits, z_bits=nothing
        )
