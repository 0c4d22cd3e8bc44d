"""Lesson 6: Gaussian bits against scipy far into the tails, the scale's bound, and the sizes of z."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import log_ndtr
from scipy.stats import norm

from jahp_lib.hyperprior import (
    SCALE_BOUND,
    HyperAnalysisTransform,
    HyperSynthesisTransform,
    bound_scales,
    gaussian_bits,
)

SCALES = [0.11, 0.5, 1.0, 7.3, 64.0]
BOUND_BITS = -math.log2(1e-9)


def log_probability(distance: np.ndarray, scale: float) -> np.ndarray:
    """Natural logarithm of a bin's mass at ``distance`` from the mean, from scipy's tails in float64."""
    distance = np.abs(distance)
    upper, lower = norm.logcdf((0.5 - distance) / scale), norm.logcdf((-0.5 - distance) / scale)
    return upper + np.log1p(-np.exp(lower - upper))


def bits(y, means, scales, kind: torch.dtype = torch.float32, bound: float = 0.0) -> np.ndarray:
    values = np.broadcast_arrays(y, means, scales)
    return (
        gaussian_bits(*(torch.tensor(value, dtype=kind) for value in values), likelihood_bound=bound)
        .double()
        .numpy()
    )


@pytest.mark.parametrize("scale", SCALES)
def test_bits_are_minus_log2_of_scipy_s_difference_of_cumulative_distributions(scale: float) -> None:
    """Breaks if the bin has another width, σ is taken for a variance, or the logarithm is natural.

    Centre, where cdf is exact.
    """
    distance = np.linspace(-4, 4, 81) * scale
    mass = norm.cdf((distance + 0.5) / scale) - norm.cdf((distance - 0.5) / scale)
    keep = mass > 1e-12
    np.testing.assert_allclose(
        bits(distance, 0.0, scale, torch.float64)[keep], -np.log2(mass[keep]), rtol=1e-3, atol=1e-9
    )
    distance, mass = distance[keep] + 3.7, mass[keep]
    np.testing.assert_allclose(
        bits(distance, 3.7, scale, torch.float64), -np.log2(mass), rtol=1e-3, atol=1e-9
    )


@pytest.mark.parametrize("kind", [torch.float64, torch.float32])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("sign", [-1, 1])
def test_tails_agree_with_scipy_s_logarithmic_tails(scale: float, sign: int, kind: torch.dtype) -> None:
    """Breaks if either tail is computed as a difference near 1, or floored:

    no bound here, and 1e4 is 10 billion bits away.
    """
    distance = sign * np.array([1, 2, 5, 10, 30, 100, 1000, 10_000], dtype=np.float64)
    expected = -log_probability(
        distance, np.float32(scale).item() if kind == torch.float32 else scale
    ) / math.log(2)
    np.testing.assert_allclose(
        bits(distance, 0.0, scale, kind), expected, rtol=1e-9 if kind == torch.float64 else 1e-3
    )


def test_the_probabilities_of_all_integers_sum_to_one() -> None:
    """Breaks if bins overlap or leave gaps. Bare formula, float64, mean off the integers."""
    integers = np.arange(-600.0, 601.0)
    for scale in SCALES:
        assert (2.0 ** -bits(integers, 0.37, scale, torch.float64)).sum() == pytest.approx(1.0, abs=1e-9)


def test_no_element_costs_more_than_the_bound_and_none_is_changed_below_it() -> None:
    """Breaks if the bound is left out, is another one than 1e-9, or clips what is cheaper."""
    distance = np.arange(0.0, 12.0)
    bare = bits(distance, 0.0, 1.0)
    bounded = bits(distance, 0.0, 1.0, bound=1e-9)
    np.testing.assert_allclose(bounded, np.minimum(bare, BOUND_BITS), rtol=1e-6)
    assert bounded[-1] == pytest.approx(BOUND_BITS, rel=1e-6)
    assert gaussian_bits(torch.tensor(50.0), torch.tensor(0.0), torch.tensor(1.0)).item() == pytest.approx(
        BOUND_BITS, rel=1e-6
    )


@pytest.mark.parametrize("bound", [0.0, 1e-9])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.float64])
def test_bits_and_gradients_are_finite_for_any_distance_and_scale(kind: torch.dtype, bound: float) -> None:
    """Breaks if a logarithm of zero or a quotient of two zeros appears anywhere up to |y - μ| = 1e4, σ from
    the bound up."""
    distance, scale = torch.meshgrid(
        torch.tensor([0.0, 1e-4, 0.5, 1.0, 3.0, 10.0, 100.0, 1e3, 1e4]),
        torch.tensor([0.11, 0.2, 1.0, 30.0, 256.0, 1e4]),
        indexing="ij",
    )
    for sign in (-1, 1):
        y = (sign * distance).to(kind).requires_grad_()
        means, scales = torch.zeros_like(y).requires_grad_(), scale.to(kind).requires_grad_()
        result = gaussian_bits(y, means, scales, likelihood_bound=bound)
        result.sum().backward()
        assert torch.isfinite(result).all()
        for name, tensor in (("y", y), ("means", means), ("scales", scales)):
            assert torch.isfinite(tensor.grad).all(), name


@pytest.mark.parametrize("scale", [0.11, 1.0, 20.0])
def test_gradients_are_those_of_the_closed_form_also_in_the_tail(scale: float) -> None:
    """Breaks with torch's own gradient of ``log_ndtr`` in float32, which is wrong below about -1000 σ, or
    with a wrong sign.

    Closed form in float64: d ln P / dy = (φ(u) - φ(l)) / (σ P), d ln P / dσ = (l φ(l) - u φ(u)) / (σ P), all
    by logarithms.
    """
    distance = np.array(
        [-10_000.0, -1000.0, -300.0, -40.0, -3.0, -0.7, 0.3, 2.0, 30.0, 200.0, 1500.0, 10_000.0]
    )
    exact_scale = float(np.float32(scale))
    y = torch.tensor(distance, dtype=torch.float32, requires_grad=True)
    means = torch.zeros_like(y).requires_grad_()
    scales = torch.full_like(y, exact_scale).requires_grad_()
    gaussian_bits(y, means, scales, likelihood_bound=0).sum().backward()

    distance = distance.astype(np.float32).astype(np.float64)
    mirrored = np.abs(distance)
    u, low = (0.5 - mirrored) / exact_scale, (-0.5 - mirrored) / exact_scale
    log_p = log_probability(distance, exact_scale)
    phi_u, phi_l = np.exp(norm.logpdf(u) - log_p), np.exp(norm.logpdf(low) - log_p)
    by_y = np.sign(distance) * (phi_u - phi_l) / exact_scale / math.log(2)
    by_scale = (u * phi_u - low * phi_l) / exact_scale / math.log(2)
    np.testing.assert_allclose(y.grad, by_y, rtol=2e-3)
    np.testing.assert_allclose(means.grad, -by_y, rtol=2e-3)
    np.testing.assert_allclose(scales.grad, by_scale, rtol=2e-3)


def test_gradients_agree_with_finite_differences() -> None:
    """Breaks if the forward value and its gradient drift apart (torch.autograd.gradcheck, float64, no
    bound)."""
    y = torch.tensor([-7.0, -1.3, 0.2, 0.9, 4.0, 25.0], dtype=torch.float64, requires_grad=True)
    means = torch.tensor([0.1, 0.2, -0.3, 0.0, 1.0, -1.0], dtype=torch.float64, requires_grad=True)
    scales = torch.tensor([0.5, 1.0, 0.3, 2.0, 0.11, 4.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda *args: gaussian_bits(*args, likelihood_bound=0), (y, means, scales)
    )


def test_a_value_beyond_the_bound_is_still_pulled_towards_its_mean() -> None:
    """Breaks if the bound is a plain clamp: an early model, wrong by hundreds, would never learn."""
    y = torch.tensor([-500.0, 500.0], requires_grad=True)
    means, scales = torch.zeros(2, requires_grad=True), torch.ones(2, requires_grad=True)
    gaussian_bits(y, means, scales).sum().backward()
    assert (y.grad * y > 0).all()
    assert (means.grad * y < 0).all()
    assert (scales.grad < 0).all()


def test_means_and_scales_are_broadcast_over_y() -> None:
    """Breaks if one Gaussian cannot serve many values."""
    y = torch.randn(2, 3, 4, 4)
    result = gaussian_bits(y, torch.zeros(1, 3, 1, 1), torch.ones(1))
    torch.testing.assert_close(result, gaussian_bits(y, torch.zeros_like(y), torch.ones_like(y)))


def test_bits_are_counted_in_float32_under_autocast() -> None:
    """Breaks if bfloat16 reaches the formula: y of a few hundred would lie bins away from where it is."""
    y, means, scales = 40 * torch.randn(100), 40 * torch.randn(100), torch.rand(100) * 30 + 0.11
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(gaussian_bits(y, means, scales), gaussian_bits(y.clone(), means, scales))
        assert gaussian_bits(y, means, scales).dtype == torch.float32


def test_scales_are_bounded_at_a_ninth_and_come_back_from_below() -> None:
    """Breaks if the bound is not 0.11, or a scale below it has no gradient any more."""
    raw = torch.tensor([-5.0, 0.0, 0.11, 3.0], requires_grad=True)
    scales = bound_scales(raw)
    assert scales.tolist() == pytest.approx([0.11, 0.11, 0.11, 3.0])
    (-scales.sum()).backward()  # descent wants larger scales
    assert raw.grad.tolist() == [-1, -1, -1, -1]


def test_at_the_bound_of_the_scale_a_centred_value_is_all_but_free() -> None:
    """The reason for 0.11; breaks if the bound is so large that certainty costs bits (scipy counts the mass
    outside the bin)."""
    assert 2 * norm.sf(0.5 / SCALE_BOUND) < 6e-6
    assert gaussian_bits(torch.tensor(3.0), torch.tensor(3.0), torch.tensor(SCALE_BOUND)).item() < 1e-4


def test_log_ndtr_of_scipy_and_the_bits_of_a_half_line_agree() -> None:
    """A value far out in a wide Gaussian; breaks if means are not subtracted before the tail is chosen."""
    for mean in (-300.0, 300.0):
        expected = -(
            log_ndtr((0.5 - 20) / 2)
            + math.log1p(-math.exp(log_ndtr((-0.5 - 20) / 2) - log_ndtr((0.5 - 20) / 2)))
        ) / math.log(2)
        assert bits(mean + 20, mean, 2.0) == pytest.approx(expected, rel=1e-4)
        assert bits(mean - 20, mean, 2.0) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 16, 17])
@pytest.mark.parametrize("width", [1, 7])
def test_z_has_a_quarter_of_y_s_sides_rounded_up_and_psi_covers_y(height: int, width: int) -> None:
    """Breaks if a padding or a stride of h_a or h_s changes."""
    h_a, h_s = HyperAnalysisTransform(3, 5), HyperSynthesisTransform(3, 5, 10)
    z = h_a(torch.randn(2, 5, height, width))
    assert z.shape == (2, 3, math.ceil(height / 4), math.ceil(width / 4))
    assert h_s(z).shape == (2, 10, 4 * z.shape[2], 4 * z.shape[3])


@pytest.mark.parametrize(
    "transform",
    [lambda N, M, p: HyperAnalysisTransform(N, M, p), lambda N, M, p: HyperSynthesisTransform(N, M, 4, p)],
)
def test_sizes_and_padding_that_make_no_network_are_refused(transform) -> None:
    """Breaks if the check is left out of a transform."""
    for N, M, padding, word in (
        (0, 1, "same", "N is a number of channels"),
        (1, -1, "same", "M is"),
        (1, 1, "full", "padding must be"),
    ):
        with pytest.raises(ValueError, match=word):
            transform(N, M, padding)
