"""Each rule of the commands holds for every one of them: overwriting, sources, ranges, sizes, and how a
command ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

import jahp_lib
from jahp_lib import cli
from jahp_lib.codec.info import describe, read_blob
from jahp_lib.command_rules import same_file
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

Lively = Callable[..., LatentModel]


@pytest.fixture
def house(tmp_path: Path, lively: Lively) -> Path:
    """A folder with a photo, its compressed file, and weights for every λ and for one."""
    model = VariableRate(lively("FactorizedModel"))
    jahp_lib.save(model, tmp_path / "every.safetensors")
    jahp_lib.save(lively("FactorizedModel"), tmp_path / "one.safetensors")
    photo = Image.effect_noise((40, 32), 60).convert("RGB")
    photo.save(tmp_path / "photo.png")
    (tmp_path / "photo.jahp").write_bytes(jahp_lib.Codec(model.eval()).compress(photo))
    return tmp_path


# what each command that writes a file reads, and how its target is named
WRITERS = {
    "compress": ("photo.png", lambda source, target: ["compress", source, target]),
    "decompress": ("photo.jahp", lambda source, target: ["decompress", source, target]),
    "demo": ("photo.png", lambda source, target: ["demo", source, "--out", target]),
}


def command(name: str, house: Path, target: Path, *options: str, weights: str = "every") -> list[str]:
    source, words = WRITERS[name]
    return [
        *map(str, words(house / source, target)),
        "--model",
        str(house / f"{weights}.safetensors"),
        *options,
    ]


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """Run a command that must be refused with one sentence; returns it."""
    assert cli.main(arguments) == 2
    printed = capsys.readouterr().err
    assert printed.count("jahp: ") == 1
    return printed.split("jahp: ")[1]


@pytest.mark.parametrize("name", WRITERS)
def test_no_command_writes_over_a_file_without_force(
    name: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = house / "mine.png"
    target.write_bytes(b"mine")
    assert "--force" in refused(capsys, command(name, house, target))
    assert target.read_bytes() == b"mine"
    assert cli.main(command(name, house, target, "--force")) == 0
    assert target.read_bytes() != b"mine"


def links(source: Path) -> dict[str, Path]:
    """Ways to name a file again: its own name, round a corner, by symbolic links, and by a hard link."""
    folder = source.parent
    (folder / "symbolic.png").symlink_to(source)
    (folder / "twice.png").symlink_to("symbolic.png")
    (folder / "hard.png").hardlink_to(source)
    (folder / "elsewhere").mkdir()
    return {
        "itself": source,
        "round a corner": folder / "elsewhere" / ".." / source.name,
        "symbolic link": folder / "symbolic.png",
        "link to a link": folder / "twice.png",
        "hard link": folder / "hard.png",
    }


@pytest.mark.parametrize("read", ["source", "weights"])
@pytest.mark.parametrize("way", ["itself", "round a corner", "symbolic link", "link to a link", "hard link"])
@pytest.mark.parametrize("name", WRITERS)
def test_no_command_writes_over_what_it_reads_even_with_force(
    name: str, way: str, read: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if a photo is gone after ``jahp compress c.png c.png --force``, under whatever name the target
    goes."""
    source = house / (WRITERS[name][0] if read == "source" else "every.safetensors")
    before = source.read_bytes()
    target = links(source)[way]
    assert "would destroy it" in refused(capsys, command(name, house, target, "--force"))
    assert source.read_bytes() == before


@pytest.mark.parametrize("name", WRITERS)
def test_a_target_in_a_folder_that_is_missing_or_that_is_a_folder_is_refused(
    name: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "no folder" in refused(capsys, command(name, house, house / "missing" / "x.png"))
    (house / "x.png").mkdir()
    assert "is a folder" in refused(capsys, command(name, house, house / "x.png", "--force"))


def test_two_names_are_one_file_only_if_they_lead_to_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    assert not same_file(tmp_path / "a", tmp_path / "b")
    assert same_file(tmp_path / "new", tmp_path / "." / "new")
    assert not same_file(tmp_path / "new", tmp_path / "other")


def test_evaluate_never_writes_over_a_photo(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house / "photo.png").rename(house / "curves.png")  # a photo with the name of a result
    before = (house / "curves.png").read_bytes()
    arguments = ["evaluate", str(house), "--out", str(house), "--model", str(house / "one.safetensors")]
    arguments += ["--without-others"]
    for force in ([], ["--force"]):
        assert "would destroy it" in refused(capsys, [*arguments, *force])
    assert (house / "curves.png").read_bytes() == before


# --- λ ------------------------------------------------------------------------------------------------------


def with_lmbda(name: str, house: Path, lmbda: str, weights: str = "every") -> list[str]:
    if name == "evaluate":
        model = str(house / f"{weights}.safetensors")
        return ["evaluate", str(house), "--out", str(house / "out"), "--model", model, "--lmbda", lmbda]
    return command(name, house, house / "new.png", "--lmbda", lmbda, weights=weights)


@pytest.mark.parametrize("name", ["compress", "demo", "evaluate"])
@pytest.mark.parametrize("lmbda", ["1e9", "0.19", "0.0017", "0", "-1", "nan", "inf"])
def test_a_lmbda_that_no_model_serves_is_refused_with_the_range(
    lmbda: str, name: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if ``--lmbda 1e9`` is taken in silence for 0.18."""
    assert re.search(r"lmbda must.*0\.0018.*0\.18", refused(capsys, with_lmbda(name, house, lmbda)))
    assert not (house / "new.png").exists()


@pytest.mark.parametrize("name", ["compress", "demo"])
def test_a_lmbda_without_effect_is_said_to_have_none(
    name: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(with_lmbda(name, house, "0.05", weights="one")) == 0
    said = capsys.readouterr().out
    assert "--lmbda changed nothing" in said
    assert "0.05" not in said


@pytest.mark.parametrize(("weights", "told"), [("every", "0.05"), ("one", "not given")])
def test_a_file_tells_the_lmbda_that_made_it_and_no_other(weights: str, told: str, house: Path) -> None:
    """Breaks if ``info`` reports a λ that had no effect."""
    assert cli.main([*command("compress", house, house / "x.jahp", weights=weights), "--lmbda", "0.05"]) == 0
    assert re.search(rf"lmbda +{told}", describe(read_blob(house / "x.jahp")))


@pytest.mark.parametrize("name", ["compress", "decompress", "demo", "evaluate", "train"])
def test_the_help_of_every_lmbda_says_the_range(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    said = " ".join(capsys.readouterr().out.split())
    if "--lmbda LMBDA" in said:
        assert "0.0018" in said
    else:
        assert name == "decompress"


# --- sizes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["compress", "decompress", "demo"])
def test_a_picture_of_more_pixels_than_allowed_is_refused_and_taken_when_more_are_allowed(
    name: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = command(name, house, house / "new.png")
    said = refused(capsys, [*arguments, "--max-pixels", "1279"])
    assert "40x32 pixels" in said
    assert "1,279" in said
    assert cli.main([*arguments, "--max-pixels", "1280"]) == 0
    assert "at least 1" in refused(capsys, [*arguments, "--force", "--max-pixels", "0"])


def test_max_pixels_goes_beyond_pillows_own_limit(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if Pillow refuses, in its own words, what ``--max-pixels`` allows."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert cli.main(command("compress", house, house / "new.jahp")) == 0
    assert cli.main(command("demo", house, house / "new.png")) == 0


@pytest.mark.parametrize("size", [(1, 500), (500, 1), (8, 3000), (3000, 8), (1, 1), (40, 32)])
def test_the_demos_picture_is_bounded_whatever_the_photos_shape(size: tuple[int, int], house: Path) -> None:
    """Breaks if a narrow photo makes a picture of gigabytes: 1x500 once took 19.7 GB."""
    Image.effect_noise(size, 60).convert("RGB").save(house / "photo.png")
    assert cli.main(command("demo", house, house / "new.png")) == 0
    with Image.open(house / "new.png") as picture:
        assert 1000 < picture.width <= 1900
        assert 200 < picture.height <= 1350


def test_the_demos_picture_shows_a_narrow_photo_upright_and_whole(house: Path) -> None:
    """Breaks if the bound squeezes the photo into another shape: a black bar stays four times as high as
    wide."""
    Image.new("RGB", (25, 400)).save(house / "photo.png")
    assert cli.main(command("demo", house, house / "new.png")) == 0
    with Image.open(house / "new.png") as picture:
        dark = (
            picture.convert("L")
            .crop((0, 60, picture.width // 3, picture.height))
            .point(lambda v: 255 * (v < 60))
        )
    box = dark.getbbox()
    assert box is not None
    left, top, right, bottom = box
    assert (bottom - top) / (right - left) == pytest.approx(16, rel=0.1)


# --- how a command ends -------------------------------------------------------------------------------------


def test_ctrl_c_ends_in_one_word_and_keeps_what_was_measured(house: Path) -> None:
    """Breaks if a traceback is shown, the exit code is another, or the rows of hours are lost."""
    for index in range(40):
        Image.effect_noise((256, 256), 60).convert("RGB").save(house / f"{index:03}.png")
    words = ["evaluate", ".", "--model", "every.safetensors", "--out", "out"]
    process = subprocess.Popen(
        [sys.executable, "-m", "jahp_lib.cli", *words], cwd=house, stderr=subprocess.PIPE, text=True
    )
    rows, end = house / "out" / "measurements.csv", time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        if rows.exists() and len(rows.read_text().splitlines()) > 60:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert said.strip().endswith("jahp: stopped.")
    assert len(rows.read_text().splitlines()) > 60
    assert (house / "out" / "results.json").is_file()
    assert os.listdir(house / "out")


def test_a_defect_of_the_program_keeps_its_traceback(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(jahp_lib, "load", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        cli.main(command("compress", house, house / "x.jahp"))


def test_a_name_that_nothing_can_be_fetched_by_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "'no-such-thing'" in refused(capsys, ["download", "no-such-thing"])
