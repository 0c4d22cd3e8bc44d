"""Lesson 4: the sizes of the transforms, what their layers are, and padding that crop undoes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from jahp_lib.gdn import GDN
from jahp_lib.transforms import (
    AnalysisTransform,
    SynthesisTransform,
    check_size_without_padding,
    check_sizes,
    conv,
    crop,
    deconv,
    pad_to_multiple,
)


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_maps_n_to_n_over_stride_rounded_up(kernel_size: int, stride: int) -> None:
    """Breaks if the default padding is not half the kernel."""
    for n in range(1, 20):
        assert (
            conv(1, 1, kernel_size, stride)(torch.zeros(1, 1, n, n)).shape[2:] == (math.ceil(n / stride),) * 2
        )


@pytest.mark.parametrize(("kernel_size", "stride"), [(5, 2), (3, 1), (3, 2), (5, 1)])
def test_a_transposed_convolution_maps_n_to_n_times_stride(kernel_size: int, stride: int) -> None:
    """Breaks if the output padding is left out: every layer would lose a row."""
    for n in range(1, 20):
        assert deconv(1, 1, kernel_size, stride)(torch.zeros(1, 1, n, n)).shape[2:] == (stride * n,) * 2


@pytest.mark.parametrize("padding", [0, 1])
def test_with_a_given_padding_sizes_follow_torch_s_formulas_without_output_padding(padding: int) -> None:
    """Breaks if "valid" pads anything on its own. The formulas are those of torch's manual."""
    for n in range(5, 20):
        x = torch.zeros(1, 1, n, n)
        assert conv(1, 1, padding=padding)(x).shape[-1] == (n + 2 * padding - 5) // 2 + 1
        assert deconv(1, 1, padding=padding)(x).shape[-1] == (n - 1) * 2 - 2 * padding + 5


def test_analysis_is_four_convolutions_with_three_gdn_between() -> None:
    """Breaks if a layer is exchanged, doubled, or followed by something the paper's table 1 does not have."""
    g_a = AnalysisTransform(4, 6)
    x = torch.rand(2, 3, 32, 48)
    expected = x
    for k in (0, 2, 4, 6):
        expected = F.conv2d(expected, g_a[k].weight, g_a[k].bias, stride=2, padding=2)
        if k < 6:
            expected = g_a[k + 1](expected)
    torch.testing.assert_close(g_a(x), expected)
    assert [type(layer) for layer in g_a] == [nn.Conv2d, GDN] * 3 + [nn.Conv2d]
    assert [layer.inverse for layer in g_a if isinstance(layer, GDN)] == [False] * 3
    assert [(layer.in_channels, layer.out_channels) for layer in g_a if isinstance(layer, nn.Conv2d)] == [
        (3, 4),
        (4, 4),
        (4, 4),
        (4, 6),
    ]


def test_synthesis_is_four_transposed_convolutions_with_three_inverse_gdn_between() -> None:
    """Breaks if a GDN is not inverse, or a layer is exchanged."""
    g_s = SynthesisTransform(4, 6)
    y = torch.randn(2, 6, 2, 3)
    expected = y
    for k in (0, 2, 4, 6):
        expected = F.conv_transpose2d(
            expected, g_s[k].weight, g_s[k].bias, stride=2, padding=2, output_padding=1
        )
        if k < 6:
            expected = g_s[k + 1](expected)
    torch.testing.assert_close(g_s(y), expected)
    assert [layer.inverse for layer in g_s if isinstance(layer, GDN)] == [True] * 3
    assert g_s(y).shape == (2, 3, 32, 48)


def test_latents_keep_float32_under_autocast() -> None:
    """Breaks if the last layer runs in bfloat16: latents of a few hundred would move by a whole bin."""
    g_a = AnalysisTransform(4, 6)
    with torch.autocast("cpu", torch.bfloat16):
        y = g_a(torch.rand(1, 3, 32, 32))
    assert y.dtype == torch.float32
    assert not torch.equal(y, y.bfloat16().float())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (15, 16), (16, 17), (33, 2)])
def test_padding_repeats_the_border_up_to_a_multiple_and_crop_undoes_it(height: int, width: int) -> None:
    """Breaks if zeros are padded (dear to code), on other sides, or too much; numpy pads alone."""
    x = torch.rand(2, 3, height, width)
    padded = pad_to_multiple(x, 16)
    expected = np.pad(x, ((0, 0), (0, 0), (0, -height % 16), (0, -width % 16)), mode="edge")
    np.testing.assert_array_equal(padded, expected)
    assert torch.equal(crop(padded, height, width), x)


@pytest.mark.parametrize("name", ["N", "M"])
@pytest.mark.parametrize("value", [0, -1, 1.0, "8", None, True])
def test_n_or_m_that_is_no_positive_integer_is_refused(name: str, value) -> None:
    """Breaks if one of the two is not looked at, or a float or a truth value is taken for a number of
    channels."""
    sizes = {"N": 4, "M": 4, name: value}
    with pytest.raises(
        ValueError, match=rf"{name} is a number of channels and must be a positive integer, not"
    ):
        check_sizes(**sizes, padding="same")
    for transform in (AnalysisTransform, SynthesisTransform):
        with pytest.raises(ValueError, match=f"{name} is a number"):
            transform(**sizes)


@pytest.mark.parametrize("padding", ["Same", "full", "", 2, None])
def test_another_word_for_padding_is_refused(padding) -> None:
    """Breaks if anything that is not "same" is taken for "valid"."""
    for transform in (AnalysisTransform, SynthesisTransform):
        with pytest.raises(ValueError, match=r"padding must be 'same' .* or 'valid'"):
            transform(4, 4, padding)


def test_a_size_that_does_not_fit_without_padding_is_refused_in_the_words_of_the_asker() -> None:
    """Breaks if a codec that reads a damaged file cannot say so by its own error."""

    class AskersError(ValueError):
        pass

    for height, width in ((253, 317), (765, 253)):
        check_size_without_padding(height, width, AskersError)
    for height, width in ((189, 253), (253, 254), (317, 1)):
        with pytest.raises(AskersError, match=f"not {height}x{width}"):
            check_size_without_padding(height, width, AskersError)
