"""Lessons 1 and 2: entropies, noise and rounding, PSNR, and the Lagrangian against numpy, scipy and
scikit-image."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
import skimage.metrics
import torch

from jahp_lib.bits import cross_entropy, entropy
from jahp_lib.rate_distortion import (
    add_uniform_noise,
    bits_per_pixel,
    check_lmbda,
    psnr,
    rate_distortion_loss,
    round_straight_through,
)

RNG = np.random.default_rng(0)


def a_batch(count: int = 3, height: int = 5, width: int = 7) -> tuple[SimpleNamespace, torch.Tensor]:
    """What a model might return for images of a size that no latent grid fits, and the images."""
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.random((count, 3, height, width))).float()
    out = SimpleNamespace(
        x_hat=x + 0.1 * torch.from_numpy(rng.standard_normal(x.shape)).float(),
        y_bits=torch.from_numpy(rng.random((count, 4, 2, 2)) * 9).float(),
        z_bits=torch.from_numpy(rng.random((count, 2, 1, 1)) * 9).float(),
    )
    return out, x


def loss_by_hand(out: SimpleNamespace, x: torch.Tensor, lmbdas: list[float]) -> tuple[float, float, float]:
    """Loss, bpp and mse in plain float64 loops over images."""
    pixels = x.shape[2] * x.shape[3]
    rates, errors = [], []
    for image, original, y_bits, z_bits in zip(out.x_hat, x, out.y_bits, out.z_bits, strict=True):
        rates.append(
            (y_bits.numpy().astype(np.float64).sum() + z_bits.numpy().astype(np.float64).sum()) / pixels
        )
        errors.append(np.mean((image.numpy().astype(np.float64) - original.numpy().astype(np.float64)) ** 2))
    losses = [rate + lmbda * 65025 * error for rate, error, lmbda in zip(rates, errors, lmbdas, strict=True)]
    return float(np.mean(losses)), float(np.mean(rates)), float(np.mean(errors))


# --- entropy ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 17])
def test_entropy_agrees_with_scipy(size: int) -> None:
    """Breaks if the logarithm has another base, or the sum another sign or direction."""
    p = RNG.dirichlet(np.ones(size), 5)
    np.testing.assert_allclose(
        entropy(torch.from_numpy(p)), scipy.stats.entropy(p, base=2, axis=1), atol=1e-12
    )


def test_entropy_of_a_sure_thing_is_zero_and_not_nan() -> None:
    """Breaks if 0 log 0 is computed as 0 times minus infinity."""
    assert entropy(torch.tensor([1.0, 0.0, 0.0])).item() == 0.0


def test_cross_entropy_is_entropy_plus_divergence() -> None:
    """Breaks if the two distributions are exchanged: the divergence is not symmetric.

    scipy computes it on its own.
    """
    p, q = RNG.dirichlet(np.ones(6), 4), RNG.dirichlet(np.ones(6), 4)
    expected = scipy.stats.entropy(p, base=2, axis=1) + scipy.stats.entropy(p, q, base=2, axis=1)
    np.testing.assert_allclose(cross_entropy(torch.from_numpy(p), torch.from_numpy(q)), expected, atol=1e-12)


def test_cross_entropy_is_infinite_when_the_model_excludes_what_happens() -> None:
    """Breaks if a probability of zero is clipped to something small."""
    assert cross_entropy(torch.tensor([0.5, 0.5]), torch.tensor([1.0, 0.0])).item() == math.inf


# --- noise and rounding -------------------------------------------------------------------------------------


def test_noise_is_uniform_between_minus_and_plus_one_half() -> None:
    """Breaks if the noise is shifted, of another width, or Gaussian (Kolmogorov-Smirnov;

    1 in 1000 by chance, but the seed is fixed).
    """
    noise = add_uniform_noise(torch.zeros(20_000), torch.Generator().manual_seed(3)).numpy()
    assert noise.min() >= -0.5
    assert noise.max() <= 0.5
    assert scipy.stats.kstest(noise, scipy.stats.uniform(-0.5, 1).cdf).pvalue > 1e-3


def test_noise_is_drawn_for_every_element_on_its_own() -> None:
    """Breaks if one draw is broadcast over a dimension."""
    assert add_uniform_noise(torch.zeros(2, 3, 4, 5)).unique().numel() == 120


def test_noise_passes_gradients_unchanged() -> None:
    """Breaks if the noisy value is detached from the value: nothing before the quantiser would learn."""
    values = torch.randn(10, requires_grad=True)
    (add_uniform_noise(values) * torch.arange(10)).sum().backward()
    assert values.grad.tolist() == list(range(10))


def test_noise_from_the_same_generator_state_is_the_same() -> None:
    """Breaks if the generator passed in is ignored."""
    first, second = (add_uniform_noise(torch.zeros(50), torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16])
def test_noise_keeps_shape_and_type(kind: torch.dtype) -> None:
    """Breaks if noise of the default type widens the values."""
    noisy = add_uniform_noise(torch.zeros(2, 5, dtype=kind))
    assert (noisy.shape, noisy.dtype) == ((2, 5), kind)


def test_density_of_the_noisy_value_at_an_integer_is_the_probability_of_rounding_to_it() -> None:
    """The reason why noise may stand in for rounding; breaks if the noise is not a unit box around zero.

    Both are measured on a Gaussian of mean 0.3 and scale 0.8 and compared with the closed form.
    """
    generator = torch.Generator().manual_seed(5)
    values = 0.3 + 0.8 * torch.randn(2_000_000, generator=generator, dtype=torch.float64)
    noisy, rounded = add_uniform_noise(values, generator), round_straight_through(values)
    for integer in range(-2, 4):
        expected = np.diff(scipy.stats.norm(0.3, 0.8).cdf([integer - 0.5, integer + 0.5])).item()
        rounding = (rounded == integer).double().mean().item()
        density = ((noisy - integer).abs() < 0.05).double().mean().item() / 0.1
        assert rounding == pytest.approx(expected, abs=2e-3)
        assert density == pytest.approx(expected, abs=6e-3)


def test_straight_through_rounds_like_numpy_ties_to_even() -> None:
    """Breaks if ties go away from zero, or values are truncated."""
    values = np.concatenate((np.arange(-5, 5, 0.5), RNG.normal(0, 9, 100)))
    np.testing.assert_array_equal(round_straight_through(torch.from_numpy(values)), np.rint(values))


def test_straight_through_has_the_gradient_of_the_identity() -> None:
    """Breaks if torch.round's own gradient, zero everywhere, is used."""
    values = torch.randn(10, requires_grad=True)
    (round_straight_through(values) * torch.arange(10)).sum().backward()
    assert values.grad.tolist() == list(range(10))


# --- PSNR, bits per pixel, λ --------------------------------------------------------------------------------


@pytest.mark.parametrize("peak", [1.0, 255.0])
def test_psnr_agrees_with_scikit_image(peak: float) -> None:
    """Breaks if the peak is not squared, or 20 log10 stands for 10."""
    first, second = RNG.random((2, 8, 9)) * peak
    expected = skimage.metrics.peak_signal_noise_ratio(first, second, data_range=peak)
    assert psnr(float(np.mean((first - second) ** 2)), peak).item() == pytest.approx(expected, rel=1e-6)


def test_psnr_of_a_perfect_picture_is_infinite() -> None:
    """Breaks if the error is clipped away from zero without saying so."""
    assert psnr(0.0).item() == math.inf


def test_bits_per_pixel_counts_every_coded_bit_and_divides_by_real_pixels() -> None:
    """Breaks if z's bits are forgotten, images are mixed, or the padded size is divided by."""
    out, _ = a_batch()
    expected = [(y.sum() + z.sum()).item() / 35 for y, z in zip(out.y_bits, out.z_bits, strict=True)]
    assert bits_per_pixel(out, 5, 7).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("lmbda", [0.0, -0.013, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_lmbda_that_weighs_nothing_is_refused_with_a_sentence(lmbda: float, as_tensor: bool) -> None:
    """Breaks if any of λ <= 0, nan and infinity goes through, as a number or as one of a tensor."""
    out, x = a_batch()
    given = torch.tensor([0.013, lmbda, 0.013]) if as_tensor else lmbda
    with pytest.raises(ValueError, match="lmbda must be a finite number greater than 0"):
        rate_distortion_loss(out, x, given)
    with pytest.raises(ValueError, match="lmbda must be a finite number greater than 0"):
        check_lmbda(given)


@pytest.mark.parametrize("lmbda", [0.0018, 0.18, 1e-9, torch.tensor([0.01, 0.1])])
def test_every_finite_lmbda_above_zero_is_accepted(lmbda) -> None:
    """Breaks if the check allows only the published range."""
    check_lmbda(lmbda)


# --- the Lagrangian -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lmbda", [0.0018, 0.013, 0.18])
def test_loss_equals_bpp_plus_lmbda_times_squared_error_on_the_8_bit_scale(lmbda: float) -> None:
    """Breaks if 255**2 is forgotten, the mean runs over something else, or a part is mixed up;

    numpy computes it alone.
    """
    out, x = a_batch()
    result = rate_distortion_loss(out, x, lmbda)
    loss, bpp, mse = loss_by_hand(out, x, [lmbda] * 3)
    assert (result.loss.item(), result.bpp.item(), result.mse.item()) == pytest.approx(
        (loss, bpp, mse), rel=1e-5
    )
    assert result.psnr.item() == pytest.approx(-10 * math.log10(mse), rel=1e-5)


@pytest.mark.parametrize("shape", [(3,), (3, 1), (1, 3)])
def test_each_image_is_weighed_with_its_own_lmbda(shape: tuple[int, ...]) -> None:
    """Breaks if λ is averaged over the batch first, or one of another shape pairs every λ with every
    image."""
    out, x = a_batch()
    lmbdas = [0.002, 0.02, 0.2]
    assert rate_distortion_loss(out, x, torch.tensor(lmbdas).reshape(shape)).loss.item() == pytest.approx(
        loss_by_hand(out, x, lmbdas)[0], rel=1e-5
    )


def test_a_wrong_number_of_lmbdas_is_refused() -> None:
    """Breaks if two λ for three images are broadcast or fail inside torch."""
    out, x = a_batch()
    with pytest.raises(ValueError, match="one for each of the 3 images"):
        rate_distortion_loss(out, x, torch.tensor([0.1, 0.2]))


def test_a_larger_lmbda_prefers_the_better_picture_and_a_smaller_one_the_smaller_file() -> None:
    """Breaks if λ weighs the rate instead of the distortion."""
    x = torch.full((1, 3, 8, 8), 0.5)
    coarse = SimpleNamespace(
        x_hat=x + 0.1, y_bits=torch.full((1, 1, 1, 1), 6.4), z_bits=torch.zeros(1, 1, 1, 1)
    )
    fine = SimpleNamespace(
        x_hat=x + 0.01, y_bits=torch.full((1, 1, 1, 1), 128.0), z_bits=torch.zeros(1, 1, 1, 1)
    )

    def loss(out: SimpleNamespace, lmbda: float) -> float:
        return rate_distortion_loss(out, x, lmbda).loss.item()

    assert loss(coarse, 0.0001) < loss(fine, 0.0001)
    assert loss(fine, 0.1) < loss(coarse, 0.1)


def test_the_gradient_reaches_both_rate_and_distortion() -> None:
    """Breaks if a part is detached. The gradients are the closed forms 1/pixels and 2 λ 255² (x_hat -
    x)/n."""
    out, x = a_batch(count=1)
    out.x_hat.requires_grad_()
    out.y_bits.requires_grad_()
    out.z_bits.requires_grad_()
    rate_distortion_loss(out, x, 0.013).loss.backward()
    assert torch.allclose(out.y_bits.grad, torch.full_like(out.y_bits, 1 / 35))
    assert torch.allclose(out.z_bits.grad, torch.full_like(out.z_bits, 1 / 35))
    assert torch.allclose(out.x_hat.grad, 2 * 0.013 * 65025 * (out.x_hat.detach() - x) / 105, rtol=1e-4)


def test_weights_count_images_in_the_loss_and_nowhere_else() -> None:
    """Would break if weights scaled the reported rate or error, or were applied after the mean."""
    x = torch.zeros(2, 3, 4, 4)
    out = SimpleNamespace(
        x_hat=x + torch.tensor([0.1, 0.2])[:, None, None, None],
        y_bits=torch.ones(2, 1, 4, 4),
        z_bits=torch.zeros(2, 0, 1, 1),
    )
    plain = rate_distortion_loss(out, x, 0.01)
    weighted = rate_distortion_loss(out, x, 0.01, torch.tensor([0.5, 2.0]))
    each = [1.0 + 0.01 * 255**2 * error**2 for error in (0.1, 0.2)]
    assert weighted.loss.item() == pytest.approx((0.5 * each[0] + 2.0 * each[1]) / 2, rel=1e-5)
    assert (weighted.bpp.item(), weighted.mse.item()) == (plain.bpp.item(), plain.mse.item())
