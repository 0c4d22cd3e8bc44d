"""Lesson 10's multipliers, on a problem whose optimum is known.

One parameter s, the size of a quantisation step: rate R(s) = -log2 s and distortion D(s) = s^2 / 12, as for a
uniform source. Descent on R + λ 255² D meets a distortion target D* at s = sqrt(12 D*), where λ = 1 / (2 ln 2
· 255² · D*).
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from jahp_lib.multipliers import (
    LARGEST,
    SMALLEST,
    Constant,
    LogAscent,
    ModifiedDifferential,
    OnlyGrows,
)
from jahp_lib.training.extras.control_variate import ControlVariate, local_contrast

TARGET = 1e-3
BEST_LMBDA = 1 / (2 * math.log(2) * 255**2 * TARGET)


def rate(log_step: float) -> float:
    return -log_step / math.log(2)


def distortion(log_step: float) -> float:
    return math.exp(2 * log_step) / 12


def train(multiplier, steps: int = 4000, learning_rate: float = 0.05) -> tuple[float, float, list[float]]:
    """Gradient descent on log s under a multiplier; returns the rate, the distortion, and the path of λ."""
    log_step, path = math.log(0.1), []
    for _ in range(steps):
        gradient = -1 / math.log(2) + multiplier.value * 255**2 * 2 * distortion(log_step)
        log_step -= learning_rate * max(-1.0, min(1.0, gradient))
        multiplier.update(rate(log_step), distortion(log_step))
        path.append(multiplier.value)
    return rate(log_step), distortion(log_step), path


@pytest.mark.parametrize("rule", [LogAscent, ModifiedDifferential])
@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_distortion_target_is_met_and_its_multiplier_found_from_a_start_off_by_ten(
    rule: type, factor: float
) -> None:
    """Would break with the sign of the violation turned round, or with λ and its logarithm confused."""
    _, met, path = train(rule(BEST_LMBDA * factor, mse=TARGET))
    assert met == pytest.approx(TARGET, rel=0.01)
    assert path[-1] == pytest.approx(BEST_LMBDA, rel=0.02)


@pytest.mark.parametrize("rule", [LogAscent, ModifiedDifferential])
@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_a_rate_target_is_met_from_a_start_off_by_ten(rule: type, factor: float) -> None:
    """Would break if a rate above its target made λ larger."""
    target = rate(math.log(math.sqrt(12 * TARGET)))
    met, _, path = train(rule(BEST_LMBDA * factor, bpp=target))
    assert met == pytest.approx(target, rel=0.01)
    assert path[-1] == pytest.approx(BEST_LMBDA, rel=0.05)


@pytest.mark.parametrize("rule", [LogAscent, ModifiedDifferential])
def test_with_batches_of_luck_the_mean_error_meets_the_target(rule: type) -> None:
    """Would break if logarithms were averaged instead of errors: the mean would end 13 % above the target."""
    luck = np.random.default_rng(0).lognormal(-0.125, 0.5, 20_000)  # of mean 1
    multiplier, log_step, errors = rule(BEST_LMBDA, mse=TARGET), math.log(math.sqrt(12 * TARGET)), []
    for factor in luck:
        log_step -= 0.05 * max(
            -1.0, min(1.0, -1 / math.log(2) + multiplier.value * 255**2 * 2 * distortion(log_step))
        )
        errors.append(factor * distortion(log_step))
        multiplier.update(rate(log_step), errors[-1])
    assert np.mean(errors[5000:]) == pytest.approx(TARGET, rel=0.02)


def under_luck(told: bool) -> tuple[float, float]:
    """Mean error relative to its target, and spread of ln λ, with batches whose error follows the contrast of
    their patches.
    """
    rng = np.random.default_rng(1)
    multiplier, log_step = (
        ControlVariate(LogAscent(BEST_LMBDA, mse=TARGET, step_size=0.04, memory=0.8)),
        math.log(math.sqrt(12 * TARGET)),
    )
    errors, path = [], []
    for contrast, rest in zip(rng.lognormal(-3.0, 0.2, 8000), rng.normal(1.0, 0.02, 8000), strict=True):
        log_step -= 0.005 * max(
            -1.0, min(1.0, -1 / math.log(2) + multiplier.value * 255**2 * 2 * distortion(log_step))
        )
        errors.append(distortion(log_step))
        luck = 0.2 + 0.8 * contrast / math.exp(-3.0 + 0.02)  # of mean 1: half a variance above exp(-3)
        multiplier.update(rate(log_step), luck * rest * errors[-1], contrast if told else math.nan)
        path.append(math.log(multiplier.value))
    return float(np.mean(errors[2000:])) / TARGET, float(np.std(path[2000:]))


def test_the_contrast_of_patches_takes_their_luck_out_and_leaves_the_target_where_it_was() -> None:
    """Would break if the correction had the wrong sign, were learned from the batch it corrects, or shifted
    the mean.
    """
    plain_mean, plain_spread = under_luck(told=False)
    told_mean, told_spread = under_luck(told=True)
    assert told_spread < plain_spread / 3
    assert plain_mean == pytest.approx(1, abs=0.01)
    assert told_mean == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize("rule", [LogAscent, ModifiedDifferential])
@pytest.mark.parametrize("goal", ["mse", "bpp"])
def test_batches_of_one_mostly_flat_patch_leave_lmbda_finite_and_the_mean_on_its_target(
    rule: type, goal: str
) -> None:
    """Would break if the slope were taken relative to an average of corrected values, which passes 0 here: λ
    becomes NaN.
    """
    rng, target = (
        np.random.default_rng(3),
        TARGET if goal == "mse" else rate(math.log(math.sqrt(12 * TARGET))),
    )
    multiplier, log_step, seen = (
        ControlVariate(rule(BEST_LMBDA, **{goal: target}, step_size=0.01, memory=0.8)),
        math.log(math.sqrt(12 * TARGET)),
        [],
    )
    for _ in range(20_000):
        contrast = (
            rng.lognormal(-2.0, 0.3) if rng.random() < 0.25 else 1e-4
        )  # three patches of four show nothing
        luck = 0.02 + 0.98 * contrast / (0.25 * math.exp(-2.0 + 0.045) + 0.75e-4)  # of mean 1
        log_step -= 0.005 * max(
            -1.0, min(1.0, -1 / math.log(2) + multiplier.value * 255**2 * 2 * distortion(log_step))
        )
        seen.append(distortion(log_step) if goal == "mse" else rate(log_step))
        multiplier.update(*(luck * figure for figure in (rate(log_step), distortion(log_step))), contrast)
        assert math.isfinite(multiplier.value)
    assert np.mean(seen[5000:]) == pytest.approx(target, rel=0.05)


def test_what_an_older_version_kept_can_be_taken_up() -> None:
    multiplier = ControlVariate(LogAscent(0.01, mse=TARGET))
    multiplier.restore({"value": 0.02, "smoothed": 1e-3, "weight": 0.5})
    assert (multiplier.value, multiplier.multiplier.smoothed, multiplier.batches) == (0.02, 1e-3, 0.0)


def test_patches_that_are_all_alike_change_nothing() -> None:
    """Would break with a division by the variance of contrast, which is 0 here."""
    told, untold = ControlVariate(LogAscent(0.01, mse=TARGET)), LogAscent(0.01, mse=TARGET)
    for k in range(60):
        told.update(1.0, TARGET * (2 + math.sin(k)), 0.125 if k % 2 else math.nan)
        untold.update(1.0, TARGET * (2 + math.sin(k)))
    assert told.value == untold.value


def test_local_contrast_is_the_root_mean_square_difference_of_neighbours_averaged_over_images() -> None:
    columns = (
        torch.tensor([0.0, 1.0]).repeat(2).expand(1, 3, 4, 4)
    )  # every pixel differs by 1 from the next in its row
    flat = torch.full((1, 3, 4, 4), 0.7)
    assert local_contrast(torch.cat((columns, flat))).item() == pytest.approx(0.5)
    assert local_contrast(columns + columns.mT).item() == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("rule", [LogAscent, ModifiedDifferential])
def test_the_first_steps_of_an_untrained_model_do_not_carry_lmbda_away(rule: type) -> None:
    """Would break if the violation were not limited: ln(1 / TARGET) is 7, so 50 such steps would multiply λ
    by 1,000.
    """
    multiplier = rule(0.01, mse=TARGET)
    for _ in range(50):
        multiplier.update(1.0, 1.0)
    assert multiplier.value <= 0.01 * math.exp(50 * 0.02 + 2.0) * (1 + 1e-9)  # 2: the damping


def test_damping_takes_out_the_swing() -> None:
    """Would break if the damping term were dropped: then both paths are the same."""

    def overshoot(rule: type) -> float:
        path = train(rule(BEST_LMBDA / 10, mse=TARGET, step_size=0.1, memory=0.0))[2]
        return max(path) / BEST_LMBDA

    assert overshoot(LogAscent) > 1.05
    assert overshoot(ModifiedDifferential) < 1.01


def test_without_damping_the_modified_method_is_log_ascent() -> None:
    plain = train(LogAscent(0.01, mse=TARGET), 200)
    undamped = train(ModifiedDifferential(0.01, mse=TARGET, damping=0.0), 200)
    assert undamped[2] == pytest.approx(plain[2], rel=1e-9)


def test_the_growing_rule_only_grows_and_meets_no_target() -> None:
    """Would break if the rule compared D with anything."""
    _, _, path = train(OnlyGrows(BEST_LMBDA))
    assert all(later > earlier for earlier, later in itertools.pairwise(path))
    assert path[-1] > 2 * BEST_LMBDA


def test_the_growing_rule_adds_a_hundredth_of_the_error_of_pixels_between_0_and_1() -> None:
    """Would break with another scale of the distortion, or another default, than the original
    implementation's option.
    """
    multiplier = OnlyGrows(0.025)
    multiplier.update(bpp=1.0, mse=0.04)
    assert multiplier.value == pytest.approx(0.025 + 0.01 * 0.04)


def test_a_constant_multiplier_stays() -> None:
    assert set(train(Constant(0.02), 50)[2]) == {0.02}


@pytest.mark.parametrize("rule", [LogAscent, ModifiedDifferential])
def test_a_multiplier_taken_up_again_goes_on_as_if_nothing_had_happened(rule: type) -> None:
    """Would break if the average, its weight, the slope over contrast or the multiplier proper were lost on
    the way.
    """
    first, second = (ControlVariate(rule(lmbda, mse=TARGET)) for lmbda in (0.01, 0.5))
    for k in range(40):
        first.update(1.0, TARGET * (2 + math.sin(k)), 0.05 + 0.02 * math.sin(k))
    second.restore(first.state())
    for multiplier in (first, second):
        multiplier.update(1.0, 3 * TARGET, 0.08)
    assert second.value == first.value


@pytest.mark.parametrize("rule", [LogAscent, ModifiedDifferential])
def test_a_target_that_cannot_be_met_leaves_lmbda_finite(rule: type) -> None:
    multiplier = rule(0.01, mse=TARGET)
    for _ in range(5000):
        multiplier.update(1.0, 1.0)
    assert multiplier.value == pytest.approx(LARGEST)
    for _ in range(50000):
        multiplier.update(1.0, 0.0)
    assert multiplier.value == pytest.approx(SMALLEST)


@pytest.mark.parametrize("arguments", [{}, {"mse": 1e-3, "bpp": 0.5}])
def test_exactly_one_target_must_be_given(arguments: dict) -> None:
    with pytest.raises(ValueError, match="Give one target"):
        LogAscent(0.01, **arguments)


@pytest.mark.parametrize("target", [0.0, -1.0, math.nan, math.inf])
def test_a_target_that_makes_no_sense_is_refused(target: float) -> None:
    with pytest.raises(ValueError, match="finite and above 0"):
        LogAscent(0.01, mse=target)


@pytest.mark.parametrize("rule", [Constant, OnlyGrows])
@pytest.mark.parametrize("lmbda", [0.0, -1.0, math.nan])
def test_a_start_that_makes_no_sense_is_refused(rule: type, lmbda: float) -> None:
    with pytest.raises(ValueError, match="lmbda must be"):
        rule(lmbda)
