"""Lesson 7: the context sees 12 decoded neighbours, and the entropy parameters take and give halves in the
stated order."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from jahp_lib.context import ContextPrediction, EntropyParameters


def test_phi_has_twice_the_channels_of_y_and_its_size() -> None:
    """Breaks if the padding or the width of the context convolution changes."""
    assert ContextPrediction(5)(torch.randn(2, 5, 3, 7)).shape == (2, 10, 3, 7)


def test_phi_depends_on_the_twelve_neighbours_decoded_before_and_on_nothing_else() -> None:
    """Breaks if the mask is of type B, flipped, or of another size:

    the decoder would need what it has not decoded yet.
    """
    y_hat = torch.randn(1, 4, 7, 9, requires_grad=True)
    ContextPrediction(4)(y_hat)[0, :, 3, 4].square().sum().backward()
    seen = {(i, j) for i, j in (y_hat.grad != 0).any(1)[0].nonzero().tolist()}
    assert seen == {(i, j) for i in (1, 2) for j in range(2, 7)} | {(3, 2), (3, 3)}


def test_entropy_parameters_are_pointwise() -> None:
    """Breaks if a kernel is larger than 1x1: what was causal would no longer be."""
    psi, phi = (torch.randn(1, 8, 5, 6, requires_grad=True) for _ in range(2))
    means, scales = EntropyParameters(4).means_and_scales(psi, phi)
    (means[0, :, 2, 3].sum() + scales[0, :, 2, 3].square().sum()).backward()
    for features in (psi, phi):
        assert (features.grad != 0).any(1)[0].nonzero().tolist() == [[2, 3]]


def test_psi_comes_before_phi_and_means_before_scales() -> None:
    """Breaks if halves are exchanged: weights of other versions would load and be wrong.

    Layers are written out by hand.
    """
    network = EntropyParameters(4)
    psi, phi = torch.randn(2, 8, 3, 3), torch.randn(2, 8, 3, 3)
    u = torch.cat((psi, phi), 1)
    for k in (0, 2, 4):
        u = (
            torch.einsum("oi,bihw->bohw", network[k].weight[:, :, 0, 0], u)
            + network[k].bias[None, :, None, None]
        )
        u = F.leaky_relu(u, 0.01) if k < 4 else u
    means, scales = network.means_and_scales(psi, phi)
    torch.testing.assert_close(means, u[:, :4])
    torch.testing.assert_close(scales, u[:, 4:])


@pytest.mark.parametrize(
    ("M", "widths"), [(192, [768, 640, 512, 384]), (320, [1280, 1066, 853, 640]), (1, [4, 3, 2, 2])]
)
def test_widths_go_down_in_equal_steps_from_4m_to_2m(M: int, widths: list[int]) -> None:
    """Breaks if a width is rounded otherwise;

    the values for 192 are the paper's, table 1, for 320 those of published weights.
    """
    with torch.device("meta"):
        layers = [layer for layer in EntropyParameters(M) if hasattr(layer, "weight")]
    assert [layers[0].in_channels, *(layer.out_channels for layer in layers)] == widths
