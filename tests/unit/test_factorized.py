"""Lesson 4: the learned density rises, integrates to one, and its bits are those of its own formula in
float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from jahp_lib.factorized import FactorizedPrior, bits_from_log_likelihood

CHANNELS = 3


@pytest.fixture(params=["fresh", "trained"])
def prior(request: pytest.FixtureRequest) -> FactorizedPrior:
    """A density as it starts, and one with random parameters:

    skewed, off centre, with factors that bend it.
    """
    prior = FactorizedPrior(CHANNELS)
    if request.param == "trained":
        with torch.no_grad():
            for parameter in prior.parameters():
                parameter.add_(0.5 * torch.randn_like(parameter))
            prior.biases[-1].add_(torch.tensor([-2.0, 0.0, 3.0])[:, None, None])
    prior.update_medians()
    return prior


def logits_by_hand(prior: FactorizedPrior, channel: int, values: np.ndarray) -> np.ndarray:
    """Ballé et al. 2018, equations 26 to 29, for one channel in numpy and float64."""
    u = np.asarray(values, dtype=np.float64).reshape(1, -1)
    for k in range(5):
        H = np.logaddexp(0.0, prior.matrices[k][channel].detach().numpy().astype(np.float64))  # softplus
        u = H @ u + prior.biases[k][channel].detach().numpy()
        if k < 4:
            u = u + np.tanh(prior.factors[k][channel].detach().numpy()) * np.tanh(u)
    return u.reshape(np.shape(values))


def cumulative_by_hand(prior: FactorizedPrior, channel: int, values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-logits_by_hand(prior, channel, values)))


def bits_of(prior: FactorizedPrior, values: np.ndarray) -> torch.Tensor:
    """Bits of the same values in every channel, [CHANNELS, n]."""
    z = torch.as_tensor(values, dtype=torch.float32).expand(1, CHANNELS, 1, -1)
    return prior(z)[0, :, 0]


def test_the_cumulative_distribution_rises_from_zero_to_one(prior: FactorizedPrior) -> None:
    """Breaks if a matrix or a slope may become negative (no softplus, no tanh around the factors)."""
    values = torch.linspace(-2000, 2000, 40_001).expand(CHANNELS, 1, -1)
    logits = prior.double().logits(values.double())
    assert (logits.diff(dim=-1) > 0).all()
    c = torch.sigmoid(logits)
    assert c[..., 0].max() < 1e-6
    assert c[..., -1].min() > 1 - 1e-6


def test_each_channel_has_the_distribution_of_the_paper_s_equations(prior: FactorizedPrior) -> None:
    """Breaks if a layer, a bias, an activation or the order of both changes."""
    values = np.linspace(-50, 50, 301)
    ours = prior.cumulative(torch.from_numpy(values).float().expand(CHANNELS, 1, -1))
    for channel in range(CHANNELS):
        np.testing.assert_allclose(
            ours[channel, 0].detach(), cumulative_by_hand(prior, channel, values), atol=2e-6
        )


def test_the_density_is_nowhere_negative_and_integrates_to_one(prior: FactorizedPrior) -> None:
    """Breaks if c is not a cumulative distribution.

    The density is its derivative by backpropagation, the integral a trapezoid rule.
    """
    values = torch.linspace(-1500, 1500, 200_001, dtype=torch.float64).repeat(CHANNELS, 1, 1).requires_grad_()
    (density,) = torch.autograd.grad(prior.double().cumulative(values).sum(), values)
    assert (density >= 0).all()
    mass = torch.trapezoid(density, values.detach())[:, 0]
    np.testing.assert_allclose(mass, 1.0, atol=1e-5)


def test_bits_are_minus_log2_of_the_difference_of_the_cumulative_distribution(prior: FactorizedPrior) -> None:
    """Breaks if the bin is not [v - 1/2, v + 1/2], the logarithm not base 2, or channels are exchanged;

    numpy, float64.
    """
    values = np.concatenate((np.arange(-25.0, 26.0), np.random.default_rng(0).uniform(-25, 25, 100)))
    bits = bits_of(prior, values)
    for channel in range(CHANNELS):
        c = [cumulative_by_hand(prior, channel, values + half) for half in (-0.5, 0.5)]
        np.testing.assert_allclose(
            bits[channel].detach(), np.minimum(-np.log2(c[1] - c[0]), -np.log2(1e-9)), rtol=2e-4, atol=1e-4
        )


def test_both_tails_keep_their_digits(prior: FactorizedPrior) -> None:
    """Breaks if the right tail is computed as 1 - 1: then it costs the bound's 29.9 bits long before it is so
    improbable.

    Log-likelihoods between 2^-20 and 2^-29 are compared with the closed form of the logistic tail in float64.
    """
    for channel in range(CHANNELS):
        values = np.concatenate((np.arange(-400.0, -5.0), np.arange(5.0, 400.0)))
        upper, lower = (logits_by_hand(prior, channel, values + half) for half in (0.5, -0.5))
        flip = np.sign(values)  # a logistic is symmetric: c(upper) - c(lower) is the same at minus both
        high, low = np.where(flip > 0, -lower, upper), np.where(flip > 0, -upper, lower)
        exact = -(
            high
            - np.logaddexp(0, high)
            + np.log1p(-np.exp(low - np.logaddexp(0, low) - high + np.logaddexp(0, high)))
        ) / np.log(2)
        far = (exact > 20) & (exact < 29)
        assert (far & (values > 0)).any()
        assert (far & (values < 0)).any()
        np.testing.assert_allclose(bits_of(prior, values)[channel].detach()[far], exact[far], rtol=1e-3)


def test_the_probabilities_of_all_integers_sum_to_one(prior: FactorizedPrior) -> None:
    """Breaks if bins overlap, leave gaps or are counted in other units (the bound adds at most 1e-9 an
    integer)."""
    probabilities = 2.0 ** -bits_of(prior, np.arange(-2000.0, 2001.0)).double()
    np.testing.assert_allclose(probabilities.sum(1).detach(), 1.0, atol=2e-4)


@pytest.mark.parametrize("value", [0.0, 30.0, 1e3, 1e4, 1e6])
@pytest.mark.parametrize("sign", [-1, 1])
def test_bits_and_gradients_are_finite_however_far_a_value_lies(
    prior: FactorizedPrior, value: float, sign: int
) -> None:
    """Breaks if a logarithm of zero appears in a tail: one such value makes the whole model nan."""
    z = torch.full((1, CHANNELS, 1, 1), sign * value, requires_grad=True)
    bits = prior(z)
    bits.sum().backward()
    assert torch.isfinite(bits).all()
    assert bits.max().item() <= -math.log2(1e-9) + 1e-3
    assert torch.isfinite(z.grad).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in prior.parameters())


@pytest.mark.parametrize("value", [-3000.0, 3000.0])
def test_a_value_beyond_the_bound_is_still_pulled_back(prior: FactorizedPrior, value: float) -> None:
    """Breaks if the bound is a plain clamp: what lies out there would have gradient zero."""
    z = torch.full((1, CHANNELS, 1, 1), value, requires_grad=True)
    prior(z).sum().backward()
    assert (z.grad * value > 0).all()  # a descent step goes towards zero


def test_gradients_agree_with_finite_differences_of_the_formula() -> None:
    """Breaks if a gradient of the bits is wrong; central differences in float64 of the numpy formula."""
    prior = FactorizedPrior(1)
    z = torch.linspace(-12, 12, 25).reshape(1, 1, 1, -1).requires_grad_()
    prior(z).sum().backward()
    step, values = 1e-4, z.detach().flatten().double().numpy()

    def bits(v: np.ndarray) -> np.ndarray:
        return -np.log2(cumulative_by_hand(prior, 0, v + 0.5) - cumulative_by_hand(prior, 0, v - 0.5))

    np.testing.assert_allclose(
        z.grad.flatten(), (bits(values + step) - bits(values - step)) / (2 * step), rtol=1e-3, atol=1e-3
    )


def test_half_of_the_mass_lies_below_the_median(prior: FactorizedPrior) -> None:
    """Breaks if ``update_medians`` searches in the wrong direction or exchanges channels."""
    for channel, median in enumerate(prior.medians.tolist()):
        assert cumulative_by_hand(prior, channel, np.array(median)) == pytest.approx(0.5, abs=1e-5)


def test_quantised_values_are_integers_away_from_the_median_and_the_nearest_such(
    prior: FactorizedPrior,
) -> None:
    """Breaks if medians are left out: then values no longer sit where the density was looked at, or lie
    further than 1/2 away."""
    prior.medians.copy_(torch.tensor([0.3, -1.2, 7.45]))
    z = 9 * torch.randn(2, CHANNELS, 4, 4)
    z_hat = prior.quantize(z)
    symbols = z_hat - prior.medians[None, :, None, None]
    torch.testing.assert_close(symbols, symbols.round(), atol=1e-5, rtol=0)
    assert (z_hat - z).abs().max() <= 0.5 + 1e-5


def test_each_channel_of_each_image_is_counted_with_its_own_density() -> None:
    """Breaks if batch and channels are exchanged when values are put into rows."""
    prior = FactorizedPrior(CHANNELS)
    with torch.no_grad():
        prior.biases[-1].add_(torch.tensor([-2.0, 0.0, 3.0])[:, None, None])
    z = torch.randn(2, CHANNELS, 3, 4)
    bits = prior(z)
    assert bits.shape == z.shape
    for image in range(2):
        for channel in range(CHANNELS):
            alone = prior(z[image, channel].expand(1, CHANNELS, 3, 4))[0, channel]
            torch.testing.assert_close(bits[image, channel], alone)


def test_bits_are_counted_in_float32_under_autocast() -> None:
    """Breaks if bfloat16 reaches the density: its differences of c have two digits."""
    prior, z = FactorizedPrior(CHANNELS), 5 * torch.randn(1, CHANNELS, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        bits = prior(z)
    torch.testing.assert_close(bits, prior(z))


def test_the_bound_of_a_likelihood_is_a_number_of_bits_or_none_at_all() -> None:
    """Breaks if the bound is taken in another base, or 0 still bounds."""
    log_likelihood = torch.log(torch.tensor([0.5, 1e-12], dtype=torch.float64))
    np.testing.assert_allclose(bits_from_log_likelihood(log_likelihood), [1.0, -math.log2(1e-9)])
    np.testing.assert_allclose(bits_from_log_likelihood(log_likelihood, 0), [1.0, -math.log2(1e-12)])


def test_training_fits_the_density_to_data() -> None:
    """Breaks if a parameter gets no gradient or a wrong one:

    the cost must come near the entropy, which scipy-free counting gives.
    """
    prior = FactorizedPrior(1)
    values = torch.from_numpy(np.random.default_rng(0).normal(2.3, 1.5, (1, 1, 1, 4000))).float()
    symbols = values.round()
    counts = np.unique(symbols.numpy(), return_counts=True)[1] / 4000
    entropy = -(counts * np.log2(counts)).sum()
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.02)
    for _ in range(300):
        optimizer.zero_grad()
        cost = prior(symbols).mean()
        cost.backward()
        optimizer.step()
    assert entropy - 1e-3 <= cost.item() < entropy + 0.05
    prior.update_medians()
    assert prior.medians.item() == pytest.approx(2.3, abs=0.2)


@pytest.mark.parametrize("channels", [0, -1, 1.5])
def test_a_number_of_channels_that_is_not_positive_is_refused(channels: float) -> None:
    """Breaks if the sentence is replaced by an error from inside torch."""
    with pytest.raises(ValueError, match="positive number of channels"):
        FactorizedPrior(channels)


@pytest.mark.parametrize("shape", [(1, 2, 4, 4), (3, 4, 4), (1, 1, 4, 4)])
def test_an_input_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    """Breaks if one channel is silently broadcast over three densities."""
    with pytest.raises(ValueError, match=r"FactorizedPrior\(3\) expects \[B, 3, H, W\]"):
        FactorizedPrior(CHANNELS)(torch.zeros(shape))


# --- medians follow what is learned -------------------------------------------------------------------------


def trained_a_little(prior: FactorizedPrior) -> FactorizedPrior:
    """Its density moved by hand, as an optimiser would."""
    prior.train()
    with torch.no_grad():
        prior.biases[0].add_(3.0)
    return prior


def test_medians_are_up_to_date_when_training_ends() -> None:
    """Breaks if only the trainer moves them:

    a model trained in a loop of one's own would round z around 0 for ever.
    """
    prior = trained_a_little(FactorizedPrior(4)).eval()
    halves = prior.cumulative(prior.medians[:, None, None])
    torch.testing.assert_close(halves, torch.full_like(halves, 0.5), atol=1e-4, rtol=0)
    assert prior.medians.abs().min() > 1


def test_medians_set_by_hand_or_loaded_are_left_alone() -> None:
    """Breaks if evaluation mode overwrites them:

    weights from elsewhere, and files made with them, would change.
    """
    prior = trained_a_little(FactorizedPrior(4))
    prior.medians.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    assert prior.eval().medians.tolist() == [1, 2, 3, 4]
    other = FactorizedPrior(4).train()
    other.load_state_dict(prior.state_dict())
    assert other.eval().medians.tolist() == [1, 2, 3, 4]


def test_evaluating_and_training_on_without_a_step_changes_no_median() -> None:
    """Breaks if every switch recomputes them: the last bit decides about the fingerprint of the weights."""
    prior = trained_a_little(FactorizedPrior(4)).eval()
    before = prior.medians.clone()
    prior.train().eval()
    assert torch.equal(prior.medians, before)
