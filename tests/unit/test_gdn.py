"""Lesson 3: GDN against its formula in numpy, its gradients, and the lower bound that lets parameters come
back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.func import functional_call

from jahp_lib.gdn import GDN, lower_bound


def random_gdn(channels: int, inverse: bool = False) -> GDN:
    """A GDN in float64 whose beta and gamma are random, gamma neither symmetric nor diagonal."""
    layer = GDN(channels, inverse).double()
    with torch.no_grad():
        layer.beta_root.copy_(torch.rand(channels) + 0.5)
        layer.gamma_root.copy_(torch.rand(channels, channels) + 0.1)
    return layer


@pytest.mark.parametrize("inverse", [False, True])
def test_gdn_equals_its_formula_written_out_in_numpy(inverse: bool) -> None:
    """Breaks if the root or a square is lost, gamma is transposed, or the inverse divides."""
    layer = random_gdn(4, inverse)
    x = np.random.default_rng(0).normal(0, 3, (2, 4, 3, 5))
    beta, gamma = layer.beta.detach().numpy(), layer.gamma.detach().numpy()
    expected = np.empty_like(x)
    for i in range(4):
        norm = np.sqrt(beta[i] + sum(gamma[i, j] * x[:, j] ** 2 for j in range(4)))
        expected[:, i] = x[:, i] * norm if inverse else x[:, i] / norm
    np.testing.assert_allclose(layer(torch.from_numpy(x)).detach(), expected, rtol=1e-12)


def test_effective_parameters_are_the_squares_of_the_learned_roots() -> None:
    """Breaks if beta and gamma are used as learned: then they could change sign.

    (The pedestal is below 1e-10.)
    """
    layer = random_gdn(3)
    np.testing.assert_allclose(layer.beta.detach(), layer.beta_root.detach().numpy() ** 2, atol=1e-10)
    np.testing.assert_allclose(layer.gamma.detach(), layer.gamma_root.detach().numpy() ** 2, atol=1e-10)


def test_gdn_starts_as_the_paper_s_code_does() -> None:
    """Breaks if a start value changes: beta = 1, gamma = 0.1 times the identity."""
    layer = GDN(5)
    torch.testing.assert_close(layer.beta, torch.ones(5))
    torch.testing.assert_close(layer.gamma, 0.1 * torch.eye(5), atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize("inverse", [False, True])
def test_gradients_of_input_and_parameters_agree_with_finite_differences(inverse: bool) -> None:
    """Breaks if a gradient is wrong anywhere in the layer, the bound's included (torch.autograd.gradcheck,
    float64)."""
    layer = random_gdn(3, inverse)
    x = torch.randn(2, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    roots = [parameter.detach().clone().requires_grad_() for parameter in (layer.beta_root, layer.gamma_root)]

    def run(x: torch.Tensor, beta_root: torch.Tensor, gamma_root: torch.Tensor) -> torch.Tensor:
        return functional_call(layer, {"beta_root": beta_root, "gamma_root": gamma_root}, (x,))

    assert torch.autograd.gradcheck(run, (x, *roots))


@pytest.mark.parametrize("inverse", [False, True])
def test_the_sum_runs_over_channels_and_never_over_positions(inverse: bool) -> None:
    """Breaks if the normalisation looks at neighbouring pixels, at other images, or at its own channel
    alone."""
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, requires_grad=True)
    random_gdn(3, inverse)(x)[1, 2, 1, 3].backward()
    touched = x.grad != 0
    assert touched[1, :, 1, 3].all()
    touched[1, :, 1, 3] = False
    assert not touched.any()


def test_inverse_undoes_gdn_exactly_where_gamma_is_zero() -> None:
    """Breaks if the inverse is not a multiplication with the same norm; then beta alone is left of it."""
    forward, backward = random_gdn(3), random_gdn(3, inverse=True)
    for layer in (forward, backward):
        torch.nn.init.constant_(layer.gamma_root, 0.0)
        torch.nn.init.constant_(layer.beta_root, 1.7)
    x = torch.randn(1, 3, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(backward(forward(x)), x)


def test_one_step_of_the_inverse_brings_back_most_of_a_weakly_normalised_signal() -> None:
    """Breaks if the inverse goes the wrong way;

    exact it need not be (it is one step of a fixed-point iteration).
    """
    x = torch.randn(1, 8, 16, 16)
    normalised = GDN(8)(x)
    restored = GDN(8, inverse=True)(normalised)
    assert (restored - x).square().mean() < 0.4 * (normalised - x).square().mean()


@pytest.mark.parametrize("value", [-3.0, -1e-9, 0.0])
def test_no_learned_value_makes_the_norm_zero_negative_or_nan(value: float) -> None:
    """Breaks if the bounds of beta (1e-6) and gamma (0) are not applied to the roots."""
    layer = GDN(3)
    torch.nn.init.constant_(layer.beta_root, value)
    torch.nn.init.constant_(layer.gamma_root, value)
    assert layer.beta.min().item() >= 0.9e-6
    assert layer.gamma.min().item() >= -1e-12
    assert torch.isfinite(layer(torch.randn(1, 3, 2, 2))).all()


@pytest.mark.parametrize(
    ("value", "gradient", "passed"),
    [(2.0, 1.0, 1.0), (2.0, -1.0, -1.0), (1.0, 1.0, 1.0), (0.5, -1.0, -1.0), (0.5, 1.0, 0.0)],
    ids=[
        "above, down",
        "above, up",
        "at the bound",
        "below, a step would raise it",
        "below, a step would lower it",
    ],
)
def test_lower_bound_stops_only_gradients_that_would_push_further_down(
    value: float, gradient: float, passed: float
) -> None:
    """Breaks if the gradient is a clamp's (0 for all below), or passes everywhere."""
    values = torch.tensor([value], requires_grad=True)
    bounded = lower_bound(values, 1.0)
    bounded.backward(torch.tensor([gradient]))
    assert bounded.item() == max(value, 1.0)
    assert values.grad.item() == passed


def test_a_parameter_below_its_bound_comes_back_by_gradient_descent() -> None:
    """Breaks if gamma, once below its bound, has gradient zero (a plain clamp):

    it would stay there for ever.
    """
    layer = GDN(2)
    torch.nn.init.constant_(layer.gamma_root, -0.05)
    x = torch.randn(4, 2, 8, 8) * 3
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        layer(x).square().mean().backward()  # smaller outputs need a larger norm
        optimizer.step()
    assert layer.gamma.min().item() > 1e-3


@pytest.mark.parametrize("channels", [0, -3, 2.5])
def test_a_number_of_channels_that_is_not_positive_is_refused(channels: float) -> None:
    """Breaks if the sentence is replaced by an error from inside torch."""
    with pytest.raises(ValueError, match="positive number of channels"):
        GDN(channels)


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (4, 2, 2), (1, 5, 2, 2)])
def test_an_input_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    """Breaks if an input without batch, or with other channels, is broadcast."""
    with pytest.raises(ValueError, match=r"GDN\(4\) expects \[B, 4, H, W\]"):
        GDN(4)(torch.zeros(shape))
