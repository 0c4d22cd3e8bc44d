"""The files around the library say the same thing."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import jahp_lib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ASKED_FOR = {"torch", "torchvision", "jupyterlab", "matplotlib", "ipywidgets", "pillow", "numpy", "nbval"}


def requirements(extra: str | None = None) -> dict[str, str]:
    """Package to version range, of the project or of one of its extras."""
    lines = (
        PROJECT["project"]["dependencies"]
        if extra is None
        else PROJECT["project"]["optional-dependencies"][extra]
    )
    return {re.match(r"[\w-]+", line)[0].lower(): line for line in lines}


def constraints() -> dict[str, str]:
    lines = [
        line
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    return {name.lower().replace("_", "-"): version for name, version in (line.split("==") for line in lines)}


def test_conda_installs_the_same_set_as_make() -> None:
    """Would break if environment.yml listed packages of its own, left out the pins, or took another set of
    extras than make."""
    text = (ROOT / "environment.yml").read_text()
    conda, pip = text.split("  - pip:")
    assert re.findall(r"^  - (\S+)", conda.split("dependencies:")[1], flags=re.M) == ["python=3.12", "pip"]
    by_pip = re.findall(r"^ +- (.+)$", pip, flags=re.M)
    make = re.search(r"pip install --progress-bar on (.*)$", (ROOT / "Makefile").read_text(), flags=re.M)[
        1
    ].replace("'", "")
    assert " ".join(by_pip) == make


def test_all_packages_asked_for_are_installed_by_make() -> None:
    assert set(requirements()) | set(requirements("dev")) >= ASKED_FOR


def test_every_direct_requirement_is_pinned() -> None:
    assert set(requirements()) | set(requirements("dev")) <= set(constraints())


def test_no_pin_names_a_local_build() -> None:
    assert not [version for version in constraints().values() if "+" in version]


@pytest.mark.parametrize(
    ("package", "lower"),
    [("torch", "torch>=2.6"), ("numpy", "numpy>=1.26"), ("ipywidgets", "ipywidgets>=7.7,<9")],
)
def test_ranges_are_wide_enough_for_colab(package: str, lower: str) -> None:
    assert requirements()[package] == lower


def test_make_alone_lists_every_command_with_a_line() -> None:
    listing = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = set(re.findall(r"^make ([a-z]+) +\S", listing, flags=re.M))
    declared = set(re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.M)[1].split())
    assert listed == declared


def test_ci_runs_the_readmes_test_command() -> None:
    assert (ROOT / ".ci" / "run").read_text().rstrip().splitlines()[-1] == "exec make test"
    assert "make test" in (ROOT / "README.md").read_text()


def test_every_link_in_a_readme_leads_to_a_file() -> None:
    for readme in [
        path for path in ROOT.rglob("README.md") if ".venv" not in path.parts and "runs" not in path.parts
    ]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", readme.read_text()):
            assert (readme.parent / target).exists(), f"{readme.relative_to(ROOT)} links to {target}"


def test_the_version_of_the_package_is_the_librarys() -> None:
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "jahp_lib.__version__"}


@pytest.mark.parametrize(
    "file", sorted(path.name for path in (ROOT / "tests" / "benchmarks").glob("bench_*.py"))
)
def test_a_benchmark_starts_and_says_what_it_takes(file: str) -> None:
    """Breaks if the library renames what a benchmark imports: nothing else runs it until it is needed."""
    command = [sys.executable, str(ROOT / "tests" / "benchmarks" / file), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout


def test_every_public_name_has_its_home_and_can_be_had() -> None:
    """Breaks if a name is listed for ``import *`` and never loaded, or loaded and never listed."""
    assert set(jahp_lib.__all__) == set(jahp_lib._HOME)
    for name in jahp_lib.__all__:
        assert getattr(jahp_lib, name).__name__ == name
