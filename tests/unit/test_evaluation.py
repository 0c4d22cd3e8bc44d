"""Rate and distortion measured right: against closed forms, another implementation, and the literature."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from jahp_lib import evaluation
from jahp_lib.codec import Codec
from jahp_lib.evaluation import Measurement, bd_rate
from jahp_lib.photos.downloads import DATA
from jahp_lib.photos.one_photo import PhotoError, sample_photos
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate


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
    """Wang, Simoncelli & Bovik 2003 written out with scipy: five scales, 11x11 Gaussian of 1.5 pixels, 2x2 means between scales."""
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


def made(codec: str, setting: float, photo: str, size: int, psnr: float) -> Measurement:
    return Measurement(codec, setting, photo, 100, 50, size, psnr, 0.9, 1.0, 2.0)


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


def test_results_are_written_as_csv_json_and_a_picture(tmp_path: Path) -> None:
    measurements = [made("a", q, "p", 100 * q, 20.0 + q) for q in range(1, 6)]
    evaluation.write_results(tmp_path, measurements, {"model": "a"})
    with (tmp_path / "measurements.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["size"]) for row in rows] == [100, 200, 300, 400, 500]
    assert float(rows[0]["bpp"]) == pytest.approx(8 * 100 / 5000)
    assert len(json.loads((tmp_path / "results.json").read_text())["averages"]) == 5
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.format == "PNG"


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="no folder"):
        evaluation.read_photos(tmp_path / "none")
    with pytest.raises(PhotoError, match="holds no photo"):
        evaluation.read_photos(tmp_path)


def test_lossless_and_large_files_are_measured_written_and_plotted(tmp_path: Path) -> None:
    """Breaks if an infinite PSNR reaches the plot's limits or the JSON, or nothing is left to draw: hours of measuring would be lost."""
    for name, measurements in (
        ("lossless", [made("a", 1, "p", 500, math.inf)]),
        ("large", [made("a", 1, "p", 5000, 60.0)]),
    ):
        evaluation.write_results(tmp_path / name, measurements, {"model": "a"})
        assert (tmp_path / name / "curves.png").stat().st_size > 0

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    averages = json.loads((tmp_path / "lossless" / "results.json").read_text(), parse_constant=refuse)[
        "averages"
    ]
    assert averages[0]["psnr"] is None


def test_a_lossless_point_lies_on_no_curve() -> None:
    """Breaks if BD-rate gets an infinite quality, which makes it NaN."""
    points = evaluation.average([made("a", 1, "p", 100, 30.0), made("a", 2, "p", 900, math.inf)])
    assert [values.tolist() for values in evaluation.curve(points, "a")] == [[pytest.approx(0.16)], [30.0]]


@pytest.mark.parametrize("variable", [True, False])
def test_a_folder_is_evaluated_through_real_files_once_for_each_lmbda_that_makes_a_difference(
    variable: bool, tmp_path: Path, lively: Callable[..., LatentModel]
) -> None:
    """Breaks if a model of one λ is measured many times with the same result, or one for every λ only once."""
    (tmp_path / "photos").mkdir()
    sample_photos()["chelsea"].crop((100, 100, 164, 148)).save(tmp_path / "photos" / "cat.png")
    model = lively("FactorizedModel")
    model = VariableRate(model) if variable else model
    text = evaluation.evaluate_folder(tmp_path / "photos", "ours", model, (0.01, 0.1), tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    ours = [point for point in results["averages"] if point["codec"] == "ours"]
    assert sorted(point["setting"] for point in ours) == ([0.01, 0.1] if variable else [0.01])
    assert {point["codec"] for point in results["averages"]} >= {"ours", "JPEG 4:2:0"}
    assert (results["photos"], results["kodak"]) == (1, False)
    with (tmp_path / "out" / "measurements.csv").open(newline="") as file:
        row = next(
            row for row in csv.DictReader(file) if row["codec"] == "ours" and float(row["setting"]) == 0.01
        )
    assert int(row["size"]) == len(Codec(model).compress(tmp_path / "photos" / "cat.png", 0.01))
    assert text.splitlines()[0].startswith("codec")
    assert (tmp_path / "out" / "curves.png").is_file()
