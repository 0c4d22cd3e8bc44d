"""What a wheel holds is enough: commands and weights work from any folder, without the checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without a network from a copy that holds what git knows."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "jahp_lib", source / "jahp_lib", ignore=shutil.ignore_patterns("__pycache__"))
    (source / "jahp_lib" / "__pycache__").mkdir()  # as in a folder that was used: it belongs into no wheel
    (source / "jahp_lib" / "__pycache__" / "cli.cpython-311.pyc").write_bytes(b"")
    backend = f"from setuptools.build_meta import build_wheel; build_wheel({str(folder)!r})"
    done = subprocess.run([sys.executable, "-c", backend], cwd=source, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder to work in, with the wheel's content beside it."""
    folder = tmp_path_factory.mktemp("elsewhere")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    (folder / "here").mkdir()
    return folder


def run(elsewhere: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with the wheel's content first on the path, in a folder where no checkout can be imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONPATH": str(elsewhere / "site"), "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=elsewhere / "here",
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_wheel_holds_every_file_of_the_library(wheel: Path) -> None:
    """Breaks if a package or a file of data is added and left out of the wheel, or if caches come along."""
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("jahp_lib/")}
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "jahp_lib"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    if not listed:
        pytest.skip("this is no git checkout")
    assert inside == {name for name in listed if (ROOT / name).is_file()}


def test_the_library_of_the_wheel_is_the_one_that_is_tried(elsewhere: Path) -> None:
    """A test of the tests below: they prove nothing if the checkout is imported after all."""
    done = run(elsewhere, "-c", "import jahp_lib; print(jahp_lib.__file__)")
    assert Path(done.stdout.strip()) == elsewhere / "site" / "jahp_lib" / "__init__.py"


def test_every_module_of_the_wheel_can_be_imported(elsewhere: Path) -> None:
    """Breaks if a module looks for a file of the checkout when it is imported."""
    program = (
        "import importlib, pkgutil, jahp_lib\n"
        "for module in pkgutil.walk_packages(jahp_lib.__path__, 'jahp_lib.'):\n"
        "    if not module.name.endswith('__main__') and '.recipes.' not in module.name:\n"
        "        importlib.import_module(module.name); print(module.name)"
    )
    assert "jahp_lib.codec.codec" in run(elsewhere, "-c", program).stdout.split()


def test_the_shipped_weights_load_and_the_demo_runs(elsewhere: Path) -> None:
    run(elsewhere, "-c", "import jahp_lib; jahp_lib.load('small')")
    run(elsewhere, "-m", "jahp_lib.cli", "demo")
    with Image.open(elsewhere / "here" / "demo.png") as picture:
        assert picture.width > 1000


def test_evaluate_measures_writes_and_has_the_published_curves(elsewhere: Path) -> None:
    """Breaks if checksums or published curves are not in the wheel: all would be measured, and nothing
    written."""
    photos = elsewhere / "photos"
    photos.mkdir()
    Image.effect_noise((40, 32), 60).convert("RGB").save(photos / "noise.png")
    run(elsewhere, "-m", "jahp_lib.cli", "evaluate", str(photos), "--without-others", "--lmbda", "0.013")
    out = elsewhere / "here" / "runs" / "evaluation"
    assert {file.name for file in out.iterdir()} == {"measurements.csv", "results.json", "curves.png"}
    curves = (
        "from jahp_lib.evaluation import published; print(*map(len, map(published, ('kodak', 'tecnick'))))"
    )
    assert all(int(count) > 5 for count in run(elsewhere, "-c", curves).stdout.split())


def test_the_script_is_called_jahp(wheel: Path) -> None:
    text = next(
        zipfile.ZipFile(wheel).read(name).decode()
        for name in zipfile.ZipFile(wheel).namelist()
        if name.endswith("entry_points.txt")
    )
    assert "jahp = jahp_lib.cli:main" in text


# --- versions -----------------------------------------------------------------------------------------------


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "tests" / "environments" / f"{name}.txt").read_text().splitlines()
    return dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))


def bounds() -> dict[str, str]:
    """Package to the lower bound in pyproject.toml."""
    found = (re.match(r"([\w-]+)>=([\d.]+)", line) for line in PROJECT["project"]["dependencies"])
    return {match[1].lower(): match[2] for match in found if match}


def numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_make_lowest_takes_the_lowest_versions_that_are_allowed() -> None:
    """Breaks if a bound moves in one of the two places: then what is promised was never tried."""
    lowest = pins("lowest")
    assert lowest.keys() == bounds().keys()
    assert len(lowest) == len(PROJECT["project"]["dependencies"])
    for package, bound in bounds().items():
        assert lowest[package] == bound or lowest[package].startswith(f"{bound}."), package


def test_what_colab_brings_is_within_the_bounds() -> None:
    for package, version in pins("colab").items():
        if package in bounds():
            assert numbers(version) >= numbers(bounds()[package]), package
    assert {"torch", "numpy", "pillow", "ipywidgets", "ipython"} <= pins("colab").keys()


@pytest.mark.parametrize("target", ["lowest", "colab"])
def test_each_environment_is_one_command(target: str) -> None:
    """What ``make`` would run: an environment of its own with those versions, and the tests in it."""
    said = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert f"-c tests/environments/{target}.txt" in said
    assert f".venv-{target}/bin/python -m pytest" in said
    assert "python -m venv" not in said.replace(f"venv .venv-{target}", "")
