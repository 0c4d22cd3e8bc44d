"""The command line, in a process of its own where exit codes and tracebacks matter."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jahp_lib
from jahp_lib import cli, training
from jahp_lib.codec import files
from jahp_lib.photos.one_photo import PhotoError
from jahp_lib.transforms import LatentModel

TINY = [
    "--N",
    "4",
    "--M",
    "6",
    "--patch",
    "64",
    "--batch",
    "2",
    "--epochs",
    "1",
    "--steps-per-epoch",
    "2",
    "--device",
    "cpu",
]


def jahp(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jahp_lib.cli", *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
    )


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must be refused; returns its one message."""
    assert cli.main([*map(str, arguments)]) == 2
    printed = capsys.readouterr().err  # a progress bar may stand before the message
    assert "Traceback" not in printed
    assert printed.count("jahp: ") == 1
    return printed.split("jahp: ")[1]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "noise.png")
    return folder


def test_table_prints_the_originals_13896419_parameters(tmp_path: Path) -> None:
    done = jahp("table", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "13,896,419" in done.stdout
    for count in (
        "14,592",
        "921,792",
        "331,968",
        "1,843,584",
        "1,382,688",
        "995,712",
        "492,160",
        "328,192",
        "196,992",
        "14,403",
    ):
        assert count in done.stdout


def test_training_writes_a_model_a_history_and_snapshots_and_says_when_it_goes_on(
    tmp_path: Path, photos: Path
) -> None:
    first = jahp("train", photos, "--run", "run", *TINY, folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "history.json",
        "model.safetensors",
        "snapshots",
        "state.safetensors",
    ]
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert history["steps_done"] == 2
    assert [record["epoch"] for record in history["history"]] == [1]
    assert jahp_lib.load(tmp_path / "run" / "model.safetensors").config["M"] == 6
    again = jahp("train", photos, "--run", "run", *TINY, folder=tmp_path)
    assert again.returncode == 0
    assert "step 2 of 2" in again.stdout


def test_a_mistake_ends_in_one_sentence_and_exit_code_2_without_a_traceback(tmp_path: Path) -> None:
    done = jahp("train", "no-such-folder", *TINY, folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("jahp: There is no folder no-such-folder")


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--lmbda", "0", "lmbda must be a finite number greater than 0"),
        ("--lmbda", "-1", "lmbda must be a finite number greater than 0"),
        ("--lmbda", "nan", "lmbda must be a finite number greater than 0"),
        ("--lmbda", "inf", "lmbda must be a finite number greater than 0"),
        ("--lmbda-max", "0.001", "lmbda_max must be above lmbda"),
        ("--N", "0", "N must be at least 1"),
        ("--M", "-3", "M must be at least 1"),
        ("--batch", "0", "batch must be at least 1"),
        ("--parts", "3", "cannot be divided into 3 equal parts"),
        ("--learning-rate", "0", "learning_rate must be finite and above 0"),
        ("--dead-leaves", "2", "a share between 0 and 1"),
        ("--threads", "0", "--threads must be at least 1"),
        ("--architecture", "Nonsense", "architecture must be one of"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(
    option: str, value: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, "train", "--run", tmp_path / "run", *TINY, option, value)
    assert not (tmp_path / "run").exists()


def test_a_folder_without_photos_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no photo")
    assert "holds no photo" in refused(capsys, "train", tmp_path / "empty", "--run", tmp_path / "run", *TINY)
    assert not (tmp_path / "run").exists()


def test_a_full_disk_ends_in_a_sentence_and_leaves_no_half_written_file(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert "disk is full" in refused(capsys, "train", photos, "--run", tmp_path / "run", *TINY)
    assert not [path for path in (tmp_path / "run").rglob("*") if path.is_file()]


def test_other_settings_for_a_run_that_exists_are_refused_with_both_values(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["train", str(photos), "--run", str(tmp_path / "run"), *TINY]) == 0
    message = refused(capsys, "train", photos, "--run", tmp_path / "run", *TINY, "--seed", "5")
    assert re.search(r"seed 0 there, 5 here", message)


def test_weights_that_are_not_there_are_named_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(capsys, "demo", "--out", tmp_path / "demo.png", "--model", "enormous")
    assert "'enormous'" in message
    assert "shipped with this version" in message


def test_a_command_that_does_not_exist_is_exit_code_2(tmp_path: Path) -> None:
    done = jahp("squeeze", folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


# --- compress and decompress --------------------------------------------------------------------------------


@pytest.fixture
def weights(tmp_path: Path, lively: Callable[..., LatentModel]) -> list[str]:
    """The option that names the weights of a small model without ``VariableRate``."""
    jahp_lib.save(lively("FactorizedModel"), tmp_path / "weights.safetensors")
    return ["--model", str(tmp_path / "weights.safetensors")]


def done(*arguments: object) -> bool:
    return cli.main([*map(str, arguments)]) == 0


def test_a_photo_there_and_back_under_the_names_by_default_leaves_the_photo_alone(
    photos: Path, weights: list[str]
) -> None:
    """Breaks if the decoded picture takes the name of the photo it was made from, and so its place."""
    photo = photos / "noise.png"
    before = photo.read_bytes()
    assert done("compress", photo, *weights)
    assert done("decompress", photos / "noise.jahp", *weights)
    assert photo.read_bytes() == before
    assert {file.name for file in photos.iterdir()} == {"noise.png", "noise.jahp", "noise.decoded.png"}
    with Image.open(photos / "noise.decoded.png") as picture:
        assert picture.size == (96, 80)


@pytest.mark.parametrize("named", [True, False])
def test_a_target_that_exists_is_written_over_only_if_told_so(
    named: bool, photos: Path, weights: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if a file is lost without a word, whether its name was given or follows from the source's."""
    for command, source, target in (
        ("compress", "noise.png", "noise.jahp"),
        ("decompress", "noise.jahp", "noise.decoded.png"),
    ):
        arguments = [command, photos / source, *([photos / target] if named else []), *weights]
        (photos / target).write_bytes(b"mine")
        assert f"{target} exists already. Name another target" in refused(capsys, *arguments)
        assert (photos / target).read_bytes() == b"mine"
        assert done(*arguments, "--force")
        assert (photos / target).read_bytes() != b"mine"


def test_what_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if minutes are spent first, if a temporary file's name is told, or if the demo writes over the
    photo."""
    monkeypatch.setattr("jahp_lib.codec.codec.Codec.encode", lambda *_: pytest.fail("it was encoded"))
    photo, missing = photos / "noise.png", tmp_path / "missing"
    (tmp_path / "file").write_text("in the way")
    assert f"There is no folder {missing}" in refused(capsys, "compress", photo, missing / "x.jahp")
    assert f"There is no folder {missing}" in refused(capsys, "demo", photo, "--out", missing / "x.png")
    assert "would destroy it" in refused(capsys, "demo", photo, "--out", photo)
    assert str(tmp_path / "file") in refused(capsys, "evaluate", photos, "--out", tmp_path / "file")
    assert "at least 1, not -1" in refused(
        capsys, "evaluate", photos, "--out", tmp_path / "out", "--limit", -1
    )


@pytest.mark.parametrize(
    "error", [RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), MemoryError()], ids=repr
)
def test_too_little_memory_is_said_in_a_sentence(
    error: Exception, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(training.command, "Trainer", fail)
    assert "not enough memory" in refused(capsys, "train", "--run", tmp_path / "run", *TINY)
    monkeypatch.setattr(training.command, "Trainer", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # a defect of ours stays one
        cli.main(["train", "--run", str(tmp_path / "run"), *TINY])


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "meta"])
@pytest.mark.parametrize("command", ["compress", "demo", "evaluate", "train"])
def test_a_device_that_is_not_there_is_named(
    command: str, device: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if PyTorch's own error comes through: an unknown name, a GPU too many, a device that computes
    nothing."""
    option = "--run" if command == "train" else "--out"
    where = [tmp_path / "photo.png"] if command == "compress" else [option, tmp_path / "out"]
    message = refused(
        capsys, command, *([tmp_path] if command == "evaluate" else []), *where, "--device", device
    )
    assert f"cannot use the device {device!r}" in message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("size", "words"), [((512, 768), "253, 317"), ((0, 5), "negative size"), ((64, -1), "negative size")]
)
def test_a_table_of_a_size_that_the_model_cannot_take_is_refused(
    size: tuple[int, int], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if what the model says is hidden behind torchinfo's RuntimeError."""
    assert words in refused(capsys, "table", "--N", 2, "--M", 2, "--size", *size)


@pytest.mark.parametrize(("ending", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
def test_the_demo_writes_three_pictures_side_by_side_in_the_format_of_the_ending(
    ending: str, kind: str, photos: Path, weights: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if a picture is not what its name says, or its figures are not those of a file with the same
    weights."""
    out = photos / f"demo.{ending}"
    assert done("demo", photos / "noise.png", "--out", out, *weights)
    said = capsys.readouterr().out
    assert done("compress", photos / "noise.png", *weights)
    size = (photos / "noise.jahp").stat().st_size
    assert re.search(rf"this codec.* {size:,} bytes", said)
    assert re.search(r"JPEG, quality \d+ .* dB PSNR", said)
    with Image.open(out) as picture:
        assert picture.format == kind
        assert picture.width > 2 * picture.height


def test_a_demo_that_cannot_be_written_is_refused_before_any_work(
    tmp_path: Path, weights: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "does not end like a picture" in refused(capsys, "demo", "--out", tmp_path / "demo.xyz", *weights)


def test_a_photo_is_decoded_once_and_its_notes_are_made_before_anything_is_written(
    photos: Path, weights: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if the file is opened a second time for its notes, or a failure there leaves a file that was
    reported as failed."""
    opened, original = [], Image.open
    monkeypatch.setattr(Image, "open", lambda *arguments: opened.append(1) or original(*arguments))
    assert done("compress", photos / "noise.png", *weights)
    assert len(opened) == 1

    def failing(image: Image.Image) -> tuple[str, ...]:
        raise PhotoError("noise.png is damaged.")

    monkeypatch.setattr(files, "conversions", failing)
    assert "damaged" in refused(capsys, "compress", photos / "noise.png", photos / "other.jahp", *weights)
    assert not (photos / "other.jahp").exists()
