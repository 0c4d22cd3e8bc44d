"""Rate and distortion measured right: against closed forms, another implementation, and the literature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from jahp_lib import evaluation
from jahp_lib.evaluation import Measurement, bd_rate
from jahp_lib.photos.downloads import DATA
from jahp_lib.photos.one_photo import sample_photos


def noisy(image: Image.Image, spread: float) -> Image.Image:
    noise = np.random.default_rng(0).normal(0, spread, (image.height, image.width, 3))
    return Image.fromarray((np.asarray(image, dtype=float) + noise).clip(0, 255).round().astype(np.uint8))


def test_psnr_agrees_with_scikit_image() -> None:
    """Would break with a peak of 256, an error per colour, or arithmetic that wraps in uint8."""
    image = sample_photos()["chelsea"]
    other = noisy(image, 12)
    assert evaluation.picture_psnr(image, other) == pytest.approx(
        peak_signal_noise_ratio(np.asarray(image), np.asarray(other)), abs=1e-9
    )


def test_psnr_of_an_error_of_one_level_is_48_13_db_and_of_none_infinite() -> None:
    grey = Image.new("RGB", (8, 8), (100, 100, 100))
    assert evaluation.picture_psnr(grey, Image.new("RGB", (8, 8), (101, 99, 101))) == pytest.approx(
        20 * math.log10(255)
    )
    assert evaluation.picture_psnr(grey, grey) == math.inf


def ms_ssim_by_the_formula(first: np.ndarray, second: np.ndarray) -> float:
    """Wang, Simoncelli & Bovik 2003 written out with scipy: five scales, 11x11 Gaussian of 1.5 pixels, 2x2
    means between scales."""
    from scipy.signal import convolve2d

    window = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(window, window) / window.sum() ** 2
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    product = 1.0
    for scale, weight in enumerate(weights):

        def blur(values: np.ndarray) -> np.ndarray:
            return convolve2d(values, window, mode="valid")

        mean1, mean2 = blur(first), blur(second)
        contrast = (2 * (blur(first * second) - mean1 * mean2) + c2) / (
            blur(first**2) - mean1**2 + blur(second**2) - mean2**2 + c2
        )
        luminance = (2 * mean1 * mean2 + c1) / (mean1**2 + mean2**2 + c1)
        last = scale == len(weights) - 1
        product *= ((luminance * contrast).mean() if last else contrast.mean()) ** weight
        first, second = (v[: v.shape[0] // 2 * 2, : v.shape[1] // 2 * 2] for v in (first, second))
        first, second = (
            v.reshape(v.shape[0] // 2, 2, v.shape[1] // 2, 2).mean((1, 3)) for v in (first, second)
        )
    return product


def test_ms_ssim_agrees_with_the_papers_formula() -> None:
    """Would break with values in [0, 1] taken for [0, 255], or with colours mixed before the formula."""
    image = sample_photos()["chelsea"].crop((0, 0, 192, 176))
    other = noisy(image, 25)
    expected = np.mean(
        [
            ms_ssim_by_the_formula(np.asarray(image, float)[..., c], np.asarray(other, float)[..., c])
            for c in range(3)
        ]
    )
    assert evaluation.picture_ms_ssim(image, other) == pytest.approx(expected, abs=1e-4)


def test_luma_psnr_sees_brightness_and_is_blind_to_colour_alone() -> None:
    """Would break with weights that do not sum to 1, with red and blue exchanged, or with luma rounded to
    levels."""
    grey = Image.new("RGB", (8, 8), (100, 100, 100))
    brighter = Image.new("RGB", (8, 8), (103, 103, 103))
    redder = Image.new("RGB", (8, 8), (110, 100, 100))
    assert evaluation.picture_psnr_luma(grey, brighter) == pytest.approx(20 * math.log10(255 / 3))
    assert evaluation.picture_psnr_luma(grey, redder) == pytest.approx(20 * math.log10(255 / 2.99))
    assert evaluation.picture_psnr_luma(grey, grey) == math.inf


def test_ms_ssim_in_decibels_is_10_for_nine_tenths_and_20_for_99_hundredths() -> None:
    assert evaluation.decibels(np.array([0.9, 0.99, 1.0])).tolist() == [
        pytest.approx(10),
        pytest.approx(20),
        math.inf,
    ]


def test_ms_ssim_of_a_photo_too_small_for_five_scales_is_not_a_number() -> None:
    small = Image.new("RGB", (160, 400))
    assert math.isnan(evaluation.picture_ms_ssim(small, small))


RATES = np.array([0.1, 0.2, 0.4, 0.8, 1.6])
QUALITIES = np.array([26.0, 29.0, 32.0, 35.0, 38.0])


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.25])
def test_bd_rate_of_a_curve_shifted_in_rate_is_that_shift(factor: float) -> None:
    """Would break with anchor and test exchanged, or with an average of rates instead of their logarithms."""
    assert bd_rate((RATES, QUALITIES), (RATES * factor, QUALITIES)) == pytest.approx(
        100 * (factor - 1), abs=1e-6
    )


def test_bd_rate_over_a_range_of_rates_looks_only_there() -> None:
    """Would break if the range were ignored: outside it the test curve is ten times worse."""
    rates = np.geomspace(0.05, 3.2, 13)
    qualities = 35 + 3 * np.log2(rates)
    worse_outside = np.where((rates > 0.19) & (rates < 1.1), 0.8, 10.0) * rates
    order = np.argsort(qualities)
    full = bd_rate((rates, qualities), (worse_outside[order], qualities))
    inner = bd_rate((rates, qualities), (worse_outside[order], qualities), rates=(0.25, 0.7))
    assert inner == pytest.approx(-20.0, abs=1.0)
    assert full > 20


def test_bd_rate_of_the_published_curves_agrees_with_the_literature() -> None:
    """Minnen et al. 2018 report 8.4 % fewer bits than BPG; against JPEG the same curves give about 59 %."""
    curves = evaluation.published()
    joint = curves["Minnen 2018 (joint)"]
    assert bd_rate(curves["BPG 4:4:4"], joint) == pytest.approx(-8.5, abs=0.6)
    assert bd_rate(curves["JPEG 4:2:0"], joint) == pytest.approx(-59.0, abs=0.6)


def test_the_documents_say_of_the_shipped_weights_what_was_measured() -> None:
    """Would break if either were changed without the other."""
    ours, page = (
        evaluation.kodak_measured()["JAHP small"],
        (DATA / "README.md").read_text(encoding="utf-8"),
    )
    curves = evaluation.kodak_measured() | {
        name: evaluation.published()[name] for name in ("BPG 4:4:4", "Minnen 2018 (joint)")
    }
    told = {
        "JPEG 4:2:0": "JPEG 4:2:0",
        "WebP": "WebP",
        "JPEG 2000": "JPEG 2000",
        "AVIF": "AVIF",
        "BPG 4:4:4": "BPG 4:4:4",
    }
    for name, words in (told | {"Minnen 2018 (joint)": "the paper's joint model"}).items():
        assert f"{bd_rate(curves[name], ours, (0.2, 1.0)):+.1f} % against {words}".replace("-", "−") in page
    for bpp, psnr in zip(*ours, strict=True):
        assert f"| {bpp:.3f} | {psnr:.2f} |" in page


def test_bd_rate_of_curves_without_a_common_quality_is_refused() -> None:
    with pytest.raises(ValueError, match="share no PSNR"):
        bd_rate((RATES, QUALITIES), (RATES, QUALITIES + 50))
    with pytest.raises(ValueError, match="four points"):
        bd_rate((RATES[:3], QUALITIES[:3]), (RATES, QUALITIES))


def test_the_papers_curves_are_those_of_its_authors_on_both_sets() -> None:
    """Against minnen-2018-neurips-opt-mse.txt of tensorflow/compression: would break if a set's curve were
    the other's."""
    ends = {"kodak": [(0.071997, 26.804116)], "tecnick": [(0.066339, 28.965528), (2.425908, 44.665837)]}
    for photo_set, points in ends.items():
        rates, qualities = evaluation.published(photo_set)["Minnen 2018 (joint)"]
        assert len(rates) == 9
        assert set(points) <= set(zip(rates.tolist(), qualities.tolist(), strict=True))


def test_published_ms_ssim_of_models_trained_for_it_is_above_that_of_models_trained_for_mse() -> None:
    """Would break with PSNR taken for MS-SSIM, or without decibels: at one rate the gain is about 3 dB."""
    curves = evaluation.published("kodak", "ms_ssim")
    at_half_a_bit = {name: float(np.interp(0.5, *curve)) for name, curve in curves.items()}
    gain = at_half_a_bit["Minnen 2018 (joint, MS-SSIM)"] - at_half_a_bit["Minnen 2018 (joint)"]
    assert 2 < gain < 5
    assert 12 < at_half_a_bit["Minnen 2018 (joint)"] < 20


def test_a_photo_set_without_published_curves_is_refused() -> None:
    with pytest.raises(ValueError, match="kodak and tecnick"):
        evaluation.published("mine")


def made(
    codec: str, setting: float | None, photo: str, size: int, psnr: float, ms_ssim: float = 0.9
) -> Measurement:
    return Measurement(codec, setting, photo, 100, 50, size, psnr, ms_ssim, 1.0, 2.0)


def test_a_photo_without_a_figure_is_left_out_of_that_figures_average_alone() -> None:
    """Would break if one black picture made PSNR infinite, or one small picture MS-SSIM no number, for
    all."""
    rows = [
        made("a", 1, "photo", 1000, 30.0),
        made("a", 1, "black", 100, math.inf),
        made("a", 1, "small", 400, 40.0, math.nan),
    ]
    point = evaluation.average(rows)[0]
    assert (point.photos, point.psnr_photos, point.ms_ssim_photos) == (3, 2, 2)
    assert point.psnr == pytest.approx(35)
    assert point.ms_ssim == pytest.approx(0.9)
    assert point.bpp == pytest.approx(8 * (1000 + 100 + 400) / 3 / 5000)
    assert evaluation.curve([point], "a")[0].tolist() == [pytest.approx(8 * (1000 + 400) / 2 / 5000)]


def test_psnr_of_all_codecs_is_averaged_over_the_same_photos() -> None:
    """Would break if a picture that one codec keeps exactly still counted for the other: its curve would look
    far better."""
    rows = [made("a", 1, "photo", 1000, 30.0), made("a", 1, "black", 100, math.inf)]
    rows += [made("b", 1, "photo", 1000, 30.0), made("b", 1, "black", 100, 70.0)]
    assert [point.psnr for point in evaluation.average(rows)] == [pytest.approx(30), pytest.approx(30)]


def test_averages_are_means_over_photos_of_bits_per_pixel_and_of_decibels() -> None:
    """Would break if PSNR were taken of the mean error, or bytes summed over pixels summed."""
    points = evaluation.average(
        [made("a", 1, "p", 1000, 30.0), made("a", 1, "q", 3000, 40.0), made("a", 2, "p", 500, 20.0)]
    )
    assert [(point.setting, point.photos) for point in points] == [(2, 1), (1, 2)]
    assert points[1].bpp == pytest.approx((8 * 1000 / 5000 + 8 * 3000 / 5000) / 2)
    assert points[1].psnr == pytest.approx(35.0)


@pytest.mark.parametrize("codec", sorted(evaluation.PILLOW))
def test_other_codecs_take_more_bytes_for_more_quality(codec: str) -> None:
    photos = {"chelsea": sample_photos()["chelsea"]}
    points = evaluation.average(evaluation.measure_pillow(codec, photos, progress=False))
    if not points:
        pytest.skip(f"Pillow is built without {codec}")
    assert [point.psnr for point in points] == sorted(point.psnr for point in points)
    assert points[0].bpp < 0.3 < 1.0 < points[-1].bpp


def test_a_lossless_point_lies_on_no_curve() -> None:
    """Breaks if BD-rate gets an infinite quality, which makes it NaN."""
    points = evaluation.average([made("a", 1, "p", 100, 30.0), made("a", 2, "p", 900, math.inf)])
    assert [values.tolist() for values in evaluation.curve(points, "a")] == [[pytest.approx(0.16)], [30.0]]
