"""Lesson 5: who sees whom through a masked convolution, found by backpropagation, and that all else is a
Conv2d."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from jahp_lib.masked_conv import MaskedConv2d, causal_mask

HEIGHT, WIDTH = 9, 11


def seen(network: nn.Module, row: int, column: int, channels: int = 3) -> torch.Tensor:
    """Which positions [HEIGHT, WIDTH] the output at (row, column) depends on, by backpropagation of all its
    channels."""
    x = torch.randn(1, channels, HEIGHT, WIDTH, dtype=torch.float64, requires_grad=True)
    network.double()(x)[0, :, row, column].sum().backward()
    return (x.grad != 0).any(1)[0]


def raster() -> torch.Tensor:
    """The place of each position in raster order, [HEIGHT, WIDTH]."""
    return torch.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)


STACKS = {
    "A": lambda: MaskedConv2d("A", 3, 4, 5, padding=2),
    "B": lambda: MaskedConv2d("B", 3, 4, 5, padding=2),
    "A 3x7": lambda: MaskedConv2d("A", 3, 4, (3, 7), padding=(1, 3)),
    "A dilated": lambda: MaskedConv2d("A", 3, 4, 3, padding=2, dilation=2),
    "A+B+B": lambda: nn.Sequential(
        MaskedConv2d("A", 3, 4, 5, padding=2),
        nn.Tanh(),
        MaskedConv2d("B", 4, 4, 5, padding=2),
        nn.Tanh(),
        MaskedConv2d("B", 4, 4, 3, padding=1),
    ),
}
PLACES = [(0, 0), (0, 5), (4, 0), (4, 5), (4, 10), (8, 10)]


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize(("row", "column"), PLACES)
def test_no_path_leads_from_a_later_position(stack: str, row: int, column: int) -> None:
    """Breaks if the mask is flipped, reaches one column too far, or leaves the rows below:

    the decoder does not have them yet.
    """
    later = raster() > row * WIDTH + column
    assert not (seen(STACKS[stack](), row, column) & later).any()


@pytest.mark.parametrize("stack", [name for name in STACKS if name.startswith("A")])
@pytest.mark.parametrize(("row", "column"), PLACES)
def test_with_type_a_first_no_path_leads_from_the_position_itself(stack: str, row: int, column: int) -> None:
    """Breaks if type A keeps its centre: the model would predict a value from itself."""
    assert not seen(STACKS[stack](), row, column)[row, column]


def test_type_b_alone_sees_its_own_position() -> None:
    """Breaks if type B drops the centre: stacked layers would lose the nearest neighbour at every step."""
    assert seen(STACKS["B"](), 4, 5)[4, 5]


@pytest.mark.parametrize(("mask_type", "count"), [("A", 12), ("B", 13)])
def test_every_earlier_position_under_the_kernel_has_a_path(mask_type: str, count: int) -> None:
    """Breaks if the mask hides more than it must:

    the context would be poorer than the paper's 12 neighbours.
    """
    near = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    near[2:7, 3:8] = True
    allowed = near & (raster() < 4 * WIDTH + 5 + (mask_type == "B"))
    assert allowed.sum() == count
    assert torch.equal(seen(STACKS[mask_type](), 4, 5), allowed)


def test_a_stack_sees_every_position_that_its_layers_reach() -> None:
    """Breaks if type B layers hide what they may show.

    Dilation of the causal kernels gives the set to expect.
    """
    reach = torch.zeros(1, 1, HEIGHT, WIDTH)
    reach[0, 0, 6, 5] = 1
    for mask_type, size in (("B", 3), ("B", 5), ("A", 5)):  # from the output back to the input
        row, column = size // 2, size // 2
        kernel = torch.tensor(
            [
                [
                    float((i, j) < (row, column) or (mask_type == "B" and (i, j) == (row, column)))
                    for j in range(size)
                ]
                for i in range(size)
            ]
        )
        reach = (F.conv_transpose2d(reach, kernel[None, None], padding=size // 2) > 0).float()
    assert torch.equal(seen(STACKS["A+B+B"](), 6, 5), reach[0, 0] > 0)


def test_the_masks_of_the_lesson_are_those_of_the_figure() -> None:
    """Breaks if a row or column of the mask moves; the figure of van den Oord et al. 2016 is written out."""
    figure = "11111 11111 11{centre}00 00000 00000"
    for mask_type, centre in (("A", 0), ("B", 1)):
        rows = figure.format(centre=centre).split()
        assert causal_mask(mask_type, 5, 5).tolist() == [[float(c) for c in row] for row in rows]


def test_forward_and_training_leave_hidden_weights_alone() -> None:
    """Breaks if the mask is written into the weights, as many implementations do, or if hidden weights get a
    gradient."""
    layer = MaskedConv2d("A", 2, 3, 5, padding=2)
    before = layer.weight.detach().clone()
    layer(torch.randn(1, 2, 6, 6)).square().sum().backward()
    assert torch.equal(layer.weight, before)
    hidden = causal_mask("A", 5, 5) == 0
    assert (layer.weight.grad[:, :, hidden] == 0).all()
    assert (layer.weight.grad[:, :, ~hidden] != 0).all()


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 5},
        {"kernel_size": 3, "stride": 2, "padding": 1},
        {"kernel_size": 5, "padding": 2, "bias": False},
        {"kernel_size": (3, 5), "padding": (1, 2), "groups": 2},
        {"kernel_size": 3, "dilation": 2, "padding": "same"},
        {"kernel_size": 3, "padding": 1, "padding_mode": "reflect"},
        {"kernel_size": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("mask_type", ["A", "B"])
def test_it_is_a_conv2d_with_masked_weights_in_every_other_respect(mask_type: str, options: dict) -> None:
    """Breaks if an argument of Conv2d is lost on the way."""
    layer, plain = MaskedConv2d(mask_type, 4, 6, **options), nn.Conv2d(4, 6, **options)
    plain.load_state_dict(layer.state_dict())
    with torch.no_grad():
        height, width = layer.weight.shape[2:]
        for i in range(height):
            for j in range(width):
                if (i, j) > (height // 2, width // 2) or (
                    mask_type == "A" and (i, j) == (height // 2, width // 2)
                ):
                    plain.weight[:, :, i, j] = 0
    x = torch.randn(2, 4, 9, 10)
    torch.testing.assert_close(layer(x), plain(x))


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_it_computes_in_the_type_it_was_made_with(kind: torch.dtype) -> None:
    """Breaks if the mask keeps float32 and drags the weights along, as torch.nn.Conv2d(dtype=...) would
    not."""
    layer = MaskedConv2d("A", 2, 3, 5, padding=2, dtype=kind)
    assert layer(torch.randn(1, 2, 6, 6, dtype=kind)).dtype == kind


def test_it_lives_on_the_device_it_was_made_on() -> None:
    """Breaks if the mask stays on the processor when the layer is made elsewhere;

    the meta device stands for any other.
    """
    layer = MaskedConv2d("A", 2, 3, 5, padding=2, device="meta")
    assert layer(torch.zeros(1, 2, 6, 6, device="meta")).shape == (1, 3, 6, 6)


def test_its_file_of_weights_is_a_conv2d_s_and_copies_keep_the_mask() -> None:
    """Breaks if the mask goes into the state, where another implementation's file would lack it."""
    layer = MaskedConv2d("B", 2, 3, 3)
    assert set(layer.state_dict()) == {"weight", "bias"}
    x = torch.randn(1, 2, 5, 5)
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))


@pytest.mark.parametrize("mask_type", ["C", "a", "", None])
def test_another_type_of_mask_is_refused(mask_type) -> None:
    """Breaks if anything that is not "A" is taken for "B"."""
    with pytest.raises(ValueError, match="mask_type must be 'A'"):
        MaskedConv2d(mask_type, 1, 1, 3)


@pytest.mark.parametrize("kernel_size", [2, (3, 4), (6, 3)])
def test_a_kernel_without_a_centre_is_refused(kernel_size) -> None:
    """Breaks if an even side goes through: then the mask's centre is not the output's position."""
    with pytest.raises(ValueError, match="odd sides"):
        MaskedConv2d("A", 1, 1, kernel_size)
