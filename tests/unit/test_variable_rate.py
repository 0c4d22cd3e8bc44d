"""Lesson 10: gains that start where theory puts them, are smooth in λ, and give each image of a batch its
own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from jahp_lib.checkpoints import MODELS
from jahp_lib.rate_distortion import bits_per_pixel
from jahp_lib.variable_rate import LMBDA_MAX, LMBDA_MIN, Gain, VariableRate

LMBDAS = np.geomspace(LMBDA_MIN, LMBDA_MAX, 9)


@pytest.fixture(params=MODELS)
def wrapped(request: pytest.FixtureRequest, lively) -> VariableRate:
    """Each model of the ladder with random gains around its quantiser."""
    model = VariableRate(lively(request.param))
    with torch.no_grad():
        for gain in (model.gain, model.inverse_gain):
            gain.coefficients.add_(0.2 * torch.randn_like(gain.coefficients))
    return model.eval()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_gain_starts_as_the_square_root_of_lmbda_or_its_inverse(sign: int) -> None:
    """Breaks if the exponent is not 1/2 (the best step at high rate), or the gain is not 1 in the middle of
    the range."""
    gain = Gain(4, sign)
    middle = math.sqrt(LMBDA_MIN * LMBDA_MAX)
    for lmbda in LMBDAS:
        assert gain(lmbda).flatten().tolist() == pytest.approx([(lmbda / middle) ** (sign / 2)] * 4, rel=1e-5)


def test_at_the_start_both_gains_undo_each_other() -> None:
    """Breaks if one of the two has the other's sign: the picture's contrast would change with λ."""
    model = VariableRate(MODELS["FactorizedModel"](2, 3))
    for lmbda in LMBDAS:
        torch.testing.assert_close(model.gain(lmbda) * model.inverse_gain(lmbda), torch.ones(1, 3, 1, 1))


def test_gains_are_positive_whatever_was_learned() -> None:
    """Breaks if the exponential is left out:

    a gain of zero loses a channel, a negative one turns it round.
    """
    gain = Gain(50, 1)
    torch.nn.init.normal_(gain.coefficients, std=3)
    assert all((gain(lmbda) > 0).all() for lmbda in LMBDAS)


def test_a_gain_is_the_exponential_of_a_cubic_in_log_lmbda() -> None:
    """Breaks if the polynomial is in λ itself, or coefficients are read in another order;

    numpy's polyval computes it.
    """
    gain = Gain(3, 1)
    torch.nn.init.normal_(gain.coefficients)
    for lmbda in LMBDAS:
        position = 2 * math.log(lmbda / LMBDA_MIN) / math.log(LMBDA_MAX / LMBDA_MIN) - 1
        expected = [
            math.exp(np.polyval(row[::-1], position)) for row in gain.coefficients.detach().double().numpy()
        ]
        assert gain(lmbda).flatten().tolist() == pytest.approx(expected, rel=1e-4)


def test_a_gain_has_no_steps_between_the_ends_of_its_range() -> None:
    """Breaks if gains are looked up at a few λ: the slider would jump.

    A λ 0.1 % larger changes a gain by a few 0.1 %.
    """
    gain = Gain(5, 1)
    torch.nn.init.normal_(gain.coefficients)
    logs = torch.log(
        torch.stack([gain(lmbda).flatten() for lmbda in np.geomspace(LMBDA_MIN, LMBDA_MAX, 4600)])
    )
    slope = logs.diff(dim=0).abs()
    steepest = gain.coefficients.detach().abs() @ torch.tensor(
        [0.0, 1.0, 2.0, 3.0]
    )  # of |d log gain / d position|
    assert (slope.amax(0) <= steepest * 2 / 4599 + 1e-5).all()
    assert (slope.amax(0) > 1e-5).all()


def test_outside_the_range_gains_stay_what_they_are_at_its_ends() -> None:
    """Breaks if the cubic is followed to where nothing was trained: it explodes there."""
    gain = Gain(4, 1)
    torch.nn.init.normal_(gain.coefficients)
    torch.testing.assert_close(gain(LMBDA_MIN / 100), gain(LMBDA_MIN))
    torch.testing.assert_close(gain(LMBDA_MAX * 100), gain(LMBDA_MAX))


def test_every_model_of_the_ladder_serves_every_lmbda(wrapped: VariableRate) -> None:
    """Breaks if the wrapper relies on something that only one model has."""
    x = torch.rand(1, 3, 35, 50)
    for lmbda in LMBDAS:
        out = wrapped(x, lmbda)
        assert out.x_hat.shape == x.shape
        assert torch.isfinite(out.x_hat).all()
        assert torch.isfinite(out.y_bits).all()


def test_each_image_of_a_batch_is_coded_with_its_own_lmbda(wrapped: VariableRate) -> None:
    """Breaks if λ is averaged, or images and λ are paired otherwise;

    each image alone with its λ is the truth.
    """
    x, lmbdas = torch.rand(3, 3, 32, 48), torch.tensor([0.002, 0.02, 0.15])
    together = wrapped(x, lmbdas)
    for k, lmbda in enumerate(lmbdas.tolist()):
        alone = wrapped(x[k : k + 1], lmbda)
        for name in ("x_hat", "y_hat", "y_bits", "z_bits"):
            first, second = getattr(together, name)[k : k + 1], getattr(alone, name)
            torch.testing.assert_close(
                first, second, rtol=1e-3, atol=1e-3, msg=lambda text, name=name: f"{name}: {text}"
            )
    assert together.y_bits[0].sum() != together.y_bits[2].sum()


def test_the_latent_is_scaled_before_it_is_quantised_and_back_before_synthesis(
    wrapped: VariableRate, code
) -> None:
    """Breaks if a gain is applied on the wrong side of the quantiser, or to the wrong latent."""
    x, lmbda = torch.rand(1, 3, 32, 48), 0.05
    seen: list[torch.Tensor] = []
    wrapped.model.g_s.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    out = wrapped(x, lmbda)
    scaled = wrapped.model.analyse(x) * wrapped.gain(lmbda)
    coding = code(wrapped.model, scaled)
    torch.testing.assert_close(out.y_hat, coding.y_hat)
    torch.testing.assert_close(out.y_bits, coding.y_bits)
    torch.testing.assert_close(seen[0], seen[1] * wrapped.inverse_gain(lmbda))
    torch.testing.assert_close(out.x_hat, wrapped.model.g_s(seen[0])[..., :32, :48])


def test_at_the_start_a_larger_lmbda_spends_more_bits_and_quantises_more_finely(lively) -> None:
    """Breaks if the signs of the gains are exchanged.

    The latent that g_s sees is then nearer to the unquantised one.
    """
    model = VariableRate(lively("FactorizedModel")).eval()
    x = torch.rand(1, 3, 64, 64)
    y = model.model.analyse(x)
    bits, errors = [], []
    for lmbda in LMBDAS[::2]:
        out = model(x, lmbda)
        bits.append(bits_per_pixel(out, 64, 64).item())
        errors.append((out.y_hat * model.inverse_gain(lmbda) - y).square().mean().item())
    assert bits == sorted(bits)
    assert bits[-1] > bits[0]
    assert errors == sorted(errors, reverse=True)


def test_gains_learn(wrapped: VariableRate) -> None:
    """Breaks if a gain is cut from the loss."""
    out = wrapped.train()(torch.rand(2, 3, 32, 32), torch.tensor([0.01, 0.1]))
    (out.x_hat.square().mean() + out.y_bits.mean()).backward()
    for gain in (wrapped.gain, wrapped.inverse_gain):
        assert (gain.coefficients.grad != 0).all()


@pytest.mark.parametrize(
    "lmbda",
    [0.0, -1.0, math.nan, math.inf, torch.tensor([0.01, 0.0]), torch.tensor([math.nan, 0.01])],
    ids=str,
)
def test_a_lmbda_that_is_not_finite_and_above_zero_is_refused(lmbda) -> None:
    """Breaks if λ = 0 is silently served as the smallest λ, or nan goes through."""
    with pytest.raises(ValueError, match="lmbda must be a finite number greater than 0"):
        VariableRate(MODELS["FactorizedModel"](1, 1))(torch.rand(2, 3, 16, 16), lmbda)


def test_its_configuration_is_the_inner_model_s_and_says_so(wrapped: VariableRate) -> None:
    """Breaks if a file of weights could not tell a wrapped model from a bare one."""
    assert wrapped.config == {**wrapped.model.config, "variable_rate": True}


def test_gains_keep_their_digits_under_autocast() -> None:
    """Breaks if their product is taken in bfloat16:

    steps in training would differ from the codec's by up to 2 %.
    """
    gain = Gain(50, 1)
    torch.nn.init.normal_(gain.coefficients, std=0.5)
    lmbdas = torch.tensor([0.0018, 0.02, 0.18])
    with torch.autocast("cpu", torch.bfloat16):
        mixed = gain(lmbdas)
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, gain(lmbdas), rtol=1e-6, atol=0)
