"""Lesson 9. Networks in fixed point: the same bits on every machine, in every order of summation.

A decoder that computes a mean differently in the last bit decodes another symbol, and from there on nothing
but noise. In floating
point that happens easily: (a + b) + c is not a + (b + c), and the order is the processor's business. With
integers every order gives the same. A float64 holds every integer below 2**53 exactly, so integers can travel
in float64 and be multiplied by the fastest matrix products there are, on any processor, as long as no partial
sum can reach 2**53:

    value = integer * 2**-bits
    sum of |weight| * largest |activation| + |bias|  <  2**53 * (step of the products)

The bound is checked for every layer when a model is prepared, against the largest activations that are let
through at all. Between layers each operation is a single one of IEEE 754 (product, rounding, comparison),
which has one right result everywhere.

Source of the problem and of integers as its cure: Ballé, Johnston & Minnen 2019, "Integer networks for data
compression with latent-variable models" (ICLR). There networks are trained for 8 bits; with 53 no training is
needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EXACT = 2.0**53  # every integer up to here is a float64
BITS = 12  # activations, means and medians, and with them y_hat and z_hat, are multiples of 2**-12
LIMIT = 2.0**16  # none of them is larger
MOST_WEIGHT_BITS, LEAST_WEIGHT_BITS = 24, 8


def snap(values: Tensor) -> Tensor:
    """Nearest multiple of ``2**-BITS`` (ties to even), within +-``LIMIT``; float64 of any shape."""
    return torch.round(values * 2.0**BITS).mul_(2.0**-BITS).clamp_(-LIMIT, LIMIT)


def leaky_relu(values: Tensor, slope: float) -> Tensor:
    """max(v, slope * v) for a slope below 1: one product, correctly rounded, and one comparison;
    same shape.
    """
    return torch.maximum(values, values * slope)


def slope_of(layer: nn.Module) -> float:
    """The slope of a leaky ReLU below 0."""
    if not isinstance(layer, nn.LeakyReLU):
        raise ValueError(f"Only leaky ReLUs have an exact form, not {layer}.")
    return layer.negative_slope


def exact_weights(weight: Tensor, bias: Tensor, name: str) -> tuple[Tensor, Tensor]:
    """Weights and bias of a layer, snapped as finely as the bound on its sums allows.

    Args:
        weight: [out, in]: everything an output may be summed from, each with a multiple of ``2**-BITS`` of at
            most ``LIMIT``.
        bias: [out].
        name: of the layer, for the error.

    Returns:
        Both as float64 multiples of a power of two (the bias in the unit of the products).

    Raises:
        ValueError: a weight is not finite, or weights are so large that not even ``2**-8`` leaves the sums
            exact.
    """
    weight, bias = weight.detach().double(), bias.detach().double()
    if not bool(torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise ValueError(
            f"The weights of {name} are not all finite numbers: this model cannot code anything. Train it "
            "again."
        )
    for bits in range(MOST_WEIGHT_BITS, LEAST_WEIGHT_BITS - 1, -1):
        snapped = torch.round(weight * 2.0**bits).mul_(2.0**-bits)
        unit = 2.0 ** -(bits + BITS)
        snapped_bias = torch.round(bias / unit).mul_(unit)
        # Below 2**53 units this sum is itself exact, and a sum that reaches them cannot be rounded to less,
        # so every machine takes the same decision.
        largest = (snapped.abs().sum(1) + snapped_bias.abs() / LIMIT).max() * LIMIT
        if largest < EXACT * unit:
            return snapped, snapped_bias
    raise ValueError(
        f"The weights of {name} are too large for exact sums: {float(weight.abs().sum(1).max()):.3g} is the "
        "largest sum of "
        f"absolute weights of one output, {EXACT / LIMIT * 2.0 ** -(LEAST_WEIGHT_BITS + BITS):.3g} the most "
        "that can be "
        "computed alike on all machines. A model that was trained to an end stays far below; train it "
        "longer or with a smaller step."
    )


@dataclass(frozen=True)
class ExactLinear:
    """A 1x1 convolution as a matrix product over rows: [n, in] to [n, out], not rounded afterwards."""

    weight: Tensor  # [out, in]
    bias: Tensor

    @classmethod
    def from_rows(cls, weight: Tensor, bias: Tensor | None, name: str) -> ExactLinear:
        """From a weight [out, in] and a bias [out] (None: zeros)."""
        bias = torch.zeros(len(weight)) if bias is None else bias
        return cls(*exact_weights(weight, bias, name))

    @classmethod
    def from_layer(cls, layer: nn.Module, name: str) -> ExactLinear:
        """From a 1x1 convolution with a bias."""
        if not isinstance(layer, nn.Conv2d) or layer.bias is None or layer.kernel_size != (1, 1):
            raise ValueError(f"{name} must be a 1x1 convolution with a bias, not {layer}.")
        return cls.from_rows(layer.weight.flatten(1), layer.bias, name)

    def __call__(self, rows: Tensor) -> Tensor:
        return F.linear(rows, self.weight, self.bias)

    def split(self, first: int) -> tuple[ExactLinear, Tensor]:
        """The part for the first ``first`` inputs (with the bias), and the weight for the others:
        their results add up to the whole.
        """
        return ExactLinear(self.weight[:, :first].contiguous(), self.bias), self.weight[
            :, first:
        ].contiguous()


@dataclass(frozen=True)
class ExactTransposedConv:
    """``nn.ConvTranspose2d`` as one matrix product for each tap of the kernel:
    [in, h, w] to [out, h', w'], not rounded afterwards.
    """

    taps: Tensor  # [k, k, out, in]
    bias: Tensor
    stride: int
    padding: int
    output_padding: int

    @classmethod
    def from_layer(cls, layer: nn.Module, name: str) -> ExactTransposedConv:
        """From a transposed convolution with a bias and a square kernel."""
        if not isinstance(layer, nn.ConvTranspose2d) or layer.bias is None or isinstance(layer.padding, str):
            raise ValueError(f"{name} must be a transposed convolution with a bias, not {layer}.")
        weight = layer.weight.detach().permute(1, 2, 3, 0)  # [out, k, k, in]
        snapped, bias = exact_weights(weight.flatten(1), layer.bias, name)
        taps = snapped.reshape(weight.shape).permute(1, 2, 0, 3).contiguous()
        return cls(taps, bias, layer.stride[0], layer.padding[0], layer.output_padding[0])

    def __call__(self, x: Tensor) -> Tensor:
        _, height, width = x.shape
        kernel, stride = self.taps.shape[0], self.stride
        full_height, full_width = (
            (side - 1) * stride + kernel + self.output_padding for side in (height, width)
        )
        full = self.bias[:, None, None].repeat(
            1, full_height, full_width
        )  # [out, h', w'] before its margins are cut
        columns = x.flatten(1)
        for row in range(kernel):
            for column in range(kernel):
                product = (self.taps[row, column] @ columns).view(-1, height, width)
                full[:, row : row + stride * height : stride, column : column + stride * width : stride] += (
                    product
                )
        end_row, end_column = full_height - self.padding, full_width - self.padding
        return full[:, self.padding : end_row, self.padding : end_column]


@dataclass(frozen=True)
class ExactHyperSynthesis:
    """h_s in fixed point: z_hat [N, h, w] to psi [channels, 4h, 4w], multiples of ``2**-BITS``."""

    layers: Sequence[ExactTransposedConv]
    slope: float

    @classmethod
    def from_network(cls, h_s: nn.Sequential) -> ExactHyperSynthesis:
        return cls(
            [ExactTransposedConv.from_layer(h_s[index], f"h_s.{index}") for index in (0, 2, 4)],
            slope_of(h_s[1]),
        )

    def __call__(self, z_hat: Tensor) -> Tensor:
        first, second, third = self.layers
        features = snap(leaky_relu(first(z_hat), self.slope))
        features = snap(leaky_relu(second(features), self.slope))
        return snap(third(features))
