"""What happens in Colab: the set-up cell installs the course beside packages that are there already, and
leaves those alone.

A fresh environment that sees this one's packages stands for Colab's machine, and an empty module for
``google.colab``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
PREINSTALLED = ("torch", "torchvision", "numpy", "ipywidgets", "matplotlib", "pillow")
VERSIONS = f"""
import json
from importlib.metadata import version
print(json.dumps({{name: version(name) for name in {PREINSTALLED}}}))
"""
LIBRARY = "import jahp_lib; print(jahp_lib.__file__)"


def setup_cell(path: Path) -> str:
    cells = [
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if "google.colab" in cell.source and cell.cell_type == "code"
    ]
    assert len(cells) == 1, f"{path.name} has {len(cells)} set-up cells"
    return cells[0]


def run(python: Path, source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", source],
        cwd=python.parent,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that finds the packages of this one, as Colab's finds its own."""
    folder = tmp_path_factory.mktemp("colab") / "env"
    venv.create(folder, with_pip=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    (packages / "preinstalled.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    colab = packages / "google" / "colab"
    colab.mkdir(parents=True)
    (colab / "__init__.py").write_text("")
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What would be published: a clone of this checkout as it was last committed, or its files where it is no
    checkout.
    """
    target = tmp_path_factory.mktemp("published") / "course"
    subprocess.run(
        ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(target)], check=True, timeout=300
    )
    return target


def test_the_set_up_cell_is_the_same_in_every_lesson() -> None:
    assert len({setup_cell(path) for path in LESSONS}) == 1


def test_the_set_up_cell_installs_the_course_and_changes_no_package_that_was_there(
    fresh: Path, repository: Path, tmp_path: Path
) -> None:
    """Would break if the ranges of pyproject.toml excluded what is installed, or if the clone were not what
    is imported.
    """
    source = setup_cell(LESSONS[0]).replace("/content", str(tmp_path))
    before = json.loads(run(fresh, VERSIONS).stdout)
    first = run(fresh, f"import google.colab\n{source}\n{LIBRARY}", JAHP_ADDRESS=repository.as_uri())
    assert first.returncode == 0, first.stderr[-2000:]
    assert Path(first.stdout.splitlines()[-1]).is_relative_to(tmp_path / "course")
    assert json.loads(run(fresh, VERSIONS).stdout) == before
    installed = {
        path.name.split("-")[0] for path in fresh.parents[1].glob("lib/python*/site-packages/*.dist-info")
    }
    assert installed <= {"jahp", "pip", "setuptools"}, "packages that were there already were installed again"
    second = run(fresh, f"import google.colab\n{source}\n{LIBRARY}", JAHP_ADDRESS="file:///nowhere")
    assert second.returncode == 0, "run a second time, the cell must not clone again"


def test_a_lesson_that_is_not_published_says_so_in_a_sentence_and_shows_no_traceback(tmp_path: Path) -> None:
    """Breaks if git's failure reaches the reader as a traceback, or if the cells after it go on."""
    source = setup_cell(LESSONS[0]).replace("/content", str(tmp_path))
    program = f"""
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
from IPython.core.interactiveshell import InteractiveShell
result = InteractiveShell.instance().run_cell({source!r})
print("STOPPED" if result.error_in_exec else "WENT ON")
"""
    shown = run(Path(sys.executable), program, JAHP_ADDRESS=(tmp_path / "nowhere").as_uri())
    assert "STOPPED" in shown.stdout
    text = shown.stdout + shown.stderr
    assert f"The course is not to be had from file://{tmp_path}/nowhere." in text
    assert "Traceback" not in text
    assert "fatal" not in text


def test_outside_colab_the_set_up_cell_does_nothing(tmp_path: Path) -> None:
    source = setup_cell(LESSONS[0]).replace("/content", str(tmp_path))
    result = run(
        Path(sys.executable), f"import sys\nbefore = list(sys.path)\n{source}\nassert sys.path == before"
    )
    assert result.returncode == 0, result.stderr
    assert not list(tmp_path.iterdir())


def test_sliders_and_predictions_work_with_the_widgets_of_colab(tmp_path: Path) -> None:
    """Colab has ipywidgets 7.7; would break if the course used what came with version 8."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--target",
            tmp_path,
            "ipywidgets==7.7.5",
            "ipython_genutils==0.2.0",
        ],
        check=True,
        timeout=300,
    )
    source = """
import ipywidgets, matplotlib
assert ipywidgets.__version__.startswith("7.7"), ipywidgets.__version__
matplotlib.use("agg")
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance()
import matplotlib.pyplot as plt
from jahp_lib.course import widgets
def draw(lmbda, n, word):
    figure, ax = plt.subplots(); ax.set_title(f"{lmbda} {n} {word}"); return figure
slider = widgets.lmbda_slider()
widgets.explore(draw, "alt", lmbda=slider, n=widgets.int_slider("n", 1, 0, 3),
                word=widgets.choice("word", ["a", "b"]))
slider.value = 0.02
question = widgets.Prediction("How many?", ["one", "two"])
question.buttons.value = "two"
question.reveal("two", because="It is so.")
print("fine")
"""
    result = run(Path(sys.executable), source, PYTHONPATH=os.pathsep.join([str(tmp_path), str(ROOT)]))
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.splitlines()[-1] == "fine"
