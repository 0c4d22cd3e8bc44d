"""Models and other codecs on a folder of photos: which photos, what is written when, and how models become
curves."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jahp_lib import comparison
from jahp_lib.codec import Codec
from jahp_lib.comparison import NamedModel, Request, evaluate_folder, named_models, split_number
from jahp_lib.evaluation import LMBDAS, Measurement
from jahp_lib.photos.one_photo import PhotoError, sample_photos
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

Lively = Callable[..., LatentModel]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    sample_photos()["chelsea"].crop((100, 100, 164, 148)).save(folder / "cat.png")
    return folder


@pytest.fixture
def codecs(lively: Lively) -> dict[str, Codec]:
    """Codecs by the name of their weights: one for every λ, and two for one λ each."""
    return {
        "every": Codec(VariableRate(lively("FactorizedModel"))),
        "mine-1": Codec(lively("FactorizedModel", seed=2)),
        "mine-2": Codec(lively("FactorizedModel", seed=3)),
        "alone": Codec(lively("FactorizedModel", seed=4)),
    }


def run(
    codecs: dict[str, Codec], folder: Path, out: Path, *words: str, **options: Any
) -> tuple[str, dict[str, Any]]:
    """Evaluate; returns the table and ``results.json``."""
    request = Request(folder, out, **({"others": False} | options))
    text = evaluate_folder(request, named_models(words), codecs.__getitem__)
    return text, json.loads((out / "results.json").read_text())


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "measurements.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_model_for_every_lmbda_is_measured_through_real_files_at_each(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    """Breaks if bytes, PSNR or settings are not those of the file that ``compress`` makes."""
    text, results = run(codecs, photos, tmp_path / "out", "every", lmbdas=(0.01, 0.1), others=True)
    ours = [point for point in results["averages"] if point["codec"] == "JAHP every"]
    assert sorted(point["setting"] for point in ours) == [0.01, 0.1]
    assert {point["codec"] for point in results["averages"]} >= {"JAHP every", "JPEG 4:2:0"}
    assert (results["photos"], results["kodak"], results["complete"]) == (1, False, True)
    row = next(
        row for row in rows(tmp_path / "out") if row["codec"] == "JAHP every" and row["setting"] == "0.01"
    )
    assert int(row["size"]) == len(codecs["every"].compress(photos / "cat.png", 0.01))
    assert float(row["psnr_luma"]) > 0
    assert text.splitlines()[0].startswith("codec")
    with Image.open(tmp_path / "out" / "curves.png") as picture:
        assert picture.format == "PNG"


def test_a_model_for_one_lmbda_is_one_point_without_a_setting_it_never_had(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    """Breaks if it is measured eight times with one result, or shown as if λ were the first of the list."""
    text, results = run(codecs, photos, tmp_path / "out", "alone")
    assert [point["setting"] for point in results["averages"]] == [None]
    assert [row["setting"] for row in rows(tmp_path / "out")] == [""]
    assert f"{LMBDAS[0]:g}" not in text
    assert "needs a curve of at least four points, and this has 1" in text


def test_models_of_one_family_are_points_of_one_curve(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    _, results = run(codecs, photos, tmp_path / "out", "mine-1", "mine-2", "alone")
    found = {(point["codec"], point["setting"]): point["bpp"] for point in results["averages"]}
    assert set(found) == {("JAHP mine", 1.0), ("JAHP mine", 2.0), ("JAHP alone", None)}
    for name, key in (("mine-2", ("JAHP mine", 2.0)), ("alone", ("JAHP alone", None))):
        assert found[key] == pytest.approx(8 * len(codecs[name].compress(photos / "cat.png")) / (64 * 48))


def test_a_name_joins_models_whose_own_names_do_not(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    _, results = run(codecs, photos, tmp_path / "out", "ladder=alone", "ladder=mine-1")
    assert {point["codec"] for point in results["averages"]} == {"ladder"}
    assert len({point["setting"] for point in results["averages"]}) == 2


def test_two_curves_of_one_name_are_refused(photos: Path, tmp_path: Path, codecs: dict[str, Codec]) -> None:
    """Breaks if the files of two models are averaged as if they were one's."""
    with pytest.raises(ValueError, match="--model NAME="):
        run(codecs, photos, tmp_path / "out", "every", "every")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("mbt2018-mse-4", ("mbt2018-mse", 4.0)),
        ("bmshj2018-hyperprior-ms-ssim-8", ("bmshj2018-hyperprior-ms-ssim", 8.0)),
        ("mine_0.013", ("mine", 0.013)),
        ("mbt2018", ("mbt2018", None)),
        ("small", ("small", None)),
        ("7", ("7", None)),
    ],
)
def test_the_number_at_the_end_of_a_name_is_told_from_the_family(
    name: str, parts: tuple[str, float | None]
) -> None:
    assert split_number(name) == parts


def test_weights_are_called_after_their_file_or_after_the_folder_of_their_run(tmp_path: Path) -> None:
    (tmp_path / "a=b.safetensors").touch()
    words = [
        "small",
        "runs/mine/model.safetensors",
        "x/best.safetensors",
        "Mine=small",
        str(tmp_path / "a=b.safetensors"),
    ]
    assert [(model.name, model.curve) for model in named_models(words)] == [
        ("small", None),
        ("mine", None),
        ("best", None),
        ("small", "Mine"),
        ("a=b", None),
    ]


# --- which photos -------------------------------------------------------------------------------------------


def test_subfolders_count_and_what_cannot_be_read_is_left_out_and_named(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    """Breaks if one broken file stops all, or photos below are overlooked, as they are not by ``train``."""
    (photos / "below").mkdir()
    Image.new("RGB", (40, 30), "red").save(photos / "below" / "cat.png")
    (photos / "broken.png").write_bytes(b"\x89PNG broken")
    text, results = run(codecs, photos, tmp_path / "out", "alone")
    assert {row["photo"] for row in rows(tmp_path / "out")} == {"cat.png", "below/cat.png"}
    assert results["photos"] == 2
    assert list(results["left_out"]) == ["broken.png"]
    assert "broken.png" in text


def test_a_resource_fork_of_macos_stops_nothing(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    (photos / "._cat.png").write_bytes(b"\x00\x05\x16\x07 no picture")
    run(codecs, photos, tmp_path / "out", "alone")
    assert {row["photo"] for row in rows(tmp_path / "out")} == {"cat.png"}


def test_a_folder_that_is_missing_or_without_a_usable_photo_is_refused(
    tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    with pytest.raises(PhotoError, match="no folder"):
        run(codecs, tmp_path / "none", tmp_path / "out", "alone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PhotoError, match="holds no photo"):
        run(codecs, tmp_path / "empty", tmp_path / "out", "alone")
    (tmp_path / "empty" / "a.png").write_bytes(b"no picture")
    with pytest.raises(PhotoError, match=r"a\.png"):
        run(codecs, tmp_path / "empty", tmp_path / "out", "alone")
    assert not list((tmp_path / "out").glob("*"))


def test_the_plot_of_an_earlier_comparison_is_no_photo(photos: Path, codecs: dict[str, Codec]) -> None:
    """Breaks if ``jahp evaluate .`` in the photos' own folder counts its own plot the second time."""
    run(codecs, photos, photos, "alone")
    _, results = run(codecs, photos, photos, "alone", force=True)
    assert results["photos"] == 1
    Image.new("RGB", (40, 30)).save(photos / "other.png")
    (photos / "measurements.csv").unlink()
    assert "curves.png" in {file.name for file in comparison.listed_photos(photos)}  # a user's own


def kodak_names() -> list[str]:
    text = (comparison.FOLDER / "kodak.sha256").read_text()
    return [line.split()[1] for line in text.splitlines()]


def test_photos_that_only_bear_kodaks_names_are_not_kodak(tmp_path: Path, codecs: dict[str, Codec]) -> None:
    """Breaks if names decide: published curves would be drawn beside figures of other photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, name in enumerate(kodak_names()):
        Image.new("RGB", (17, 16), (index, 0, 0)).save(folder / name)
    _, results = run(codecs, folder, tmp_path / "out", "alone")
    assert (results["photos"], results["kodak"], results["photo_set"]) == (24, False, None)


def test_kodak_is_known_by_its_checksums_whatever_the_files_are_called() -> None:
    text = (comparison.FOLDER / "kodak.sha256").read_text()
    checksums = [line.split()[0] for line in text.splitlines()]
    assert comparison.known_set(checksums[::-1]) == "kodak"
    assert comparison.known_set(checksums[:-1]) is None
    assert comparison.known_set([*checksums[:-1], checksums[0]]) is None


def test_tecnick_is_believed_only_of_100_photos_of_its_size(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    with pytest.raises(ValueError, match="not the Tecnick photos"):
        run(codecs, photos, tmp_path / "out", "alone", photo_set="tecnick")
    Image.new("RGB", (1200, 1200)).save(tmp_path / "one.png")
    assert comparison._said_set("tecnick", [tmp_path / "one.png"] * 100) == "tecnick"


def test_published_curves_are_drawn_only_for_a_known_set() -> None:
    """Breaks if curves over other photos stand beside what was measured."""
    points = comparison.average([made("a", q, "p", 100 * q, 20.0 + q) for q in range(1, 6)])
    for photo_set, there in (("kodak", True), ("tecnick", True), (None, False)):
        figure = comparison.plot_curves(points, photo_set)
        labels = [line.get_label() for ax in figure.axes for line in ax.lines]
        assert any("published" in str(label) for label in labels) == there


# --- what is written when -----------------------------------------------------------------------------------


def made(codec: str, setting: float | None, photo: str, size: int, psnr: float) -> Measurement:
    return Measurement(codec, setting, photo, 100, 50, size, psnr, 0.9, 1.0, 2.0, psnr)


def test_what_was_measured_before_a_late_error_is_kept(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if rows are only written at the end: an error in the last photo would lose hours."""
    shutil.copy(photos / "cat.png", photos / "dog.png")
    whole, done = Codec.compress, []

    def fails_late(codec: Codec, *arguments: object, **options: object) -> bytes:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return whole(codec, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Codec, "compress", fails_late)
    with pytest.raises(KeyboardInterrupt):
        run(codecs, photos, tmp_path / "out", "every", lmbdas=(0.01, 0.1))
    assert [(row["photo"], row["setting"]) for row in rows(tmp_path / "out")] == [
        ("cat.png", "0.01"),
        ("cat.png", "0.1"),
        ("dog.png", "0.01"),
    ]
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["complete"] is False
    assert {point["photos"] for point in results["averages"]} == {1}  # whole photos only


def test_checksums_are_read_before_anything_is_measured(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if a file that is missing from an installation is found missing after the work."""
    monkeypatch.setattr(comparison, "FOLDER", tmp_path / "nowhere")
    monkeypatch.setattr(Codec, "compress", lambda *_, **__: pytest.fail("it was measured"))
    with pytest.raises(FileNotFoundError):
        run(codecs, photos, tmp_path / "out", "alone")


def test_results_that_are_there_are_written_over_only_if_told_so(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    run(codecs, photos, tmp_path / "out", "alone")
    before = (tmp_path / "out" / "results.json").read_bytes()
    with pytest.raises(ValueError, match="--force"):
        run(codecs, photos, tmp_path / "out", "mine-1")
    assert (tmp_path / "out" / "results.json").read_bytes() == before
    _, results = run(codecs, photos, tmp_path / "out", "mine-1", force=True)
    assert results["models"] == ["JAHP mine"]


def test_exact_and_large_files_are_written_and_plotted(tmp_path: Path) -> None:
    """Breaks if an infinite PSNR reaches the plot's limits or the JSON, or nothing is left to draw."""
    for name, row in (
        ("exact", made("a", 1, "p", 500, math.inf)),
        ("large", made("a", None, "p", 5000, 60.0)),
    ):
        results = comparison.Results(["a"], "00", None, [], [], [row], complete=True)
        (tmp_path / name).mkdir()
        comparison.write_results(tmp_path / name, results)
        assert (tmp_path / name / "curves.png").stat().st_size > 0
        assert (
            comparison.read_results(tmp_path / name / "results.json", "00")
            == pytest.approx(comparison.average([row]), nan_ok=True)
            or name == "exact"
        )

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    text = (tmp_path / "exact" / "results.json").read_text()
    assert json.loads(text, parse_constant=refuse)["averages"][0]["psnr"] is None
    assert comparison.read_results(tmp_path / "exact" / "results.json", "00")[0].psnr == math.inf


# --- results of earlier runs --------------------------------------------------------------------------------


def test_an_earlier_result_joins_without_being_measured_again(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if it is measured again, lost, or not joined to its family's curve."""
    _, first = run(codecs, photos, tmp_path / "first", "mine-1")
    only = {"mine-2": codecs["mine-2"]}
    _, both = run(only, photos, tmp_path / "both", "mine-2", added=[tmp_path / "first" / "results.json"])
    assert {(p["codec"], p["setting"]) for p in both["averages"]} == {("JAHP mine", 1.0), ("JAHP mine", 2.0)}
    assert first["averages"][0] in both["averages"]
    assert len(rows(tmp_path / "both")) == 1


def test_what_is_measured_now_stands_for_what_was_measured_before(
    photos: Path, tmp_path: Path, codecs: dict[str, Codec]
) -> None:
    run(codecs, photos, tmp_path / "first", "mine-1")
    other = {"mine-1": codecs["mine-2"]}
    _, now = run(other, photos, tmp_path / "now", "mine-1", added=[tmp_path / "first" / "results.json"])
    size = len(codecs["mine-2"].compress(photos / "cat.png"))
    assert [point["bpp"] for point in now["averages"]] == [pytest.approx(8 * size / (64 * 48))]


@pytest.mark.parametrize("fault", ["other photos", "broken off", "no results", "not there"])
def test_earlier_results_that_do_not_fit_are_refused_before_anything_is_measured(
    fault: str, photos: Path, tmp_path: Path, codecs: dict[str, Codec], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if averages over different photos come into one plot."""
    run(codecs, photos, tmp_path / "first", "mine-1")
    file = tmp_path / "first" / "results.json"
    if fault == "other photos":
        Image.fromarray(np.zeros((20, 20, 3), np.uint8)).save(photos / "more.png")
    elif fault == "broken off":
        file.write_text(json.dumps(json.loads(file.read_text()) | {"complete": False}))
    elif fault == "no results":
        file.write_text("[1, 2]")
    else:
        file.unlink()
    monkeypatch.setattr(Codec, "compress", lambda *_, **__: pytest.fail("it was measured"))
    words = {
        "other photos": "other photos",
        "broken off": "broken off",
        "no results": "no results",
        "not there": "no file",
    }
    with pytest.raises(ValueError, match=words[fault]):
        run(codecs, photos, tmp_path / "now", "mine-2", added=[file])


def test_a_bd_rate_is_given_only_where_the_psnr_is_of_the_same_photos() -> None:
    """Breaks if a black picture that an earlier run left out makes a codec look better or worse."""
    ours = [made("ours", q, "p", 100 * q, 25.0 + q) for q in range(1, 8)]
    theirs = comparison.average([made("theirs", q, "p", 120 * q, 25.0 + q) for q in range(1, 8)])
    results = comparison.Results(["ours"], "00", None, theirs, [], ours)
    assert comparison.bd_rates(results)["ours"]["theirs"] == pytest.approx(-100 / 6, abs=0.1)
    results.measurements = ours + [made("ours", q, "q", 100 * q, 25.0 + q) for q in range(1, 8)]
    assert comparison.bd_rates(results) == {"ours": {}}
    assert NamedModel("a", "a").curve is None
