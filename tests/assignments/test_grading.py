"""Hand-ins as they come from a class: what is right keeps its points, what cannot be graded is listed with a reason.

All of it on a set of three small tasks that needs no torch, so that a hand-in is graded in a second.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.apps import NbGraderAPI
from nbgrader.nbgraderformat import write as write_with_metadata

ASSIGNMENTS = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"
sys.path.insert(0, str(ASSIGNMENTS))

from grading import grade, sandbox
from grading.execute import PatientExecute
from grading.export import GradesExport
from grading.handins import NotGradableError, PutInOrder, handed_in_notebook
from grading.worker import settings

RIGHT = {
    "double": "def double(x):\n    return 2 * x",
    "half": "def half(x):\n    return x / 2",
    "root": "def root(x):\n    return math.sqrt(x)",
}
POINTS = {f"{task}-{kind}": 2.0 for task in RIGHT for kind in ("visible", "hidden")}
TESTS = {
    "double": ('assert double(2) == 4, "Twice 2 is 4."', 'assert double(-1) == -2, "Twice -1 is -2."'),
    "half": ('assert half(3) == 1.5, "Half of 3 is 1.5."', 'assert half(0) == 0, "Half of 0 is 0."'),
    "root": ('assert root(4) == 2, "The root of 4 is 2."', 'assert root(9) == 3, "The root of 9 is 3."'),
}


def about(name: str, **what: object) -> dict:
    plain = {"grade": False, "solution": False, "locked": False, "task": False}
    return {"nbgrader": {"schema_version": 3, "grade_id": name, "cell_type": "code", **plain, **what}}


def toy_set() -> nbformat.NotebookNode:
    cells = [new_code_cell("import math", metadata=about("imports", locked=True))]
    for task, (visible, hidden) in TESTS.items():
        answer = RIGHT[task].replace("    return", "    ### BEGIN SOLUTION\n    return") + "\n    ### END SOLUTION"
        hidden = f"# More tests run here.\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
        cells += [
            new_markdown_cell(f"## {task}"),
            new_code_cell(answer, metadata=about(task, solution=True)),
            new_code_cell(visible, metadata=about(f"{task}-visible", grade=True, locked=True, points=2.0)),
            new_code_cell(hidden, metadata=about(f"{task}-hidden", grade=True, locked=True, points=2.0)),
        ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


class Course:
    """A course directory with the set ``toy``, to hand in to and to grade."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = settings(root)
        self.config.Execute.timeout = 3
        self.config.Exchange.root = str(root / "exchange")
        self.api = NbGraderAPI(config=self.config)

    def path(self, student: str) -> Path:
        folder = self.root / "submitted" / student / "toy"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / "toy.ipynb"

    def hand_in(
        self,
        student: str,
        answers: dict[str, str] | None = None,
        change: Callable[[nbformat.NotebookNode], None] = lambda notebook: None,
    ) -> None:
        """The released notebook with right answers, but for those given, and then changed."""
        notebook = nbformat.read(self.root / "release" / "toy" / "toy.ipynb", as_version=4)
        for cell in notebook.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            cell.source = {**RIGHT, **(answers or {})}.get(name, cell.source)
        change(notebook)
        nbformat.write(notebook, self.path(student))

    def grade(self, **keywords: object) -> grade.Summary:
        """`make grade SET=toy`, in this process."""
        grader = grade.Grader("toy", self.root, **{"way": "none", "hand_in_seconds": 20, **keywords})
        grader.prepare()
        return grader.grade([], 2, False)

    def points(self, student: str) -> dict[str, float]:
        with self.api.gradebook as book:
            return {
                grade.name: grade.score for grade in book.find_submission_notebook("toy", "toy", student).grades
            }

    def lost(self, student: str) -> set[str]:
        """The test cells that gave no points; the others gave all of theirs."""
        points = self.points(student)
        assert set(points) == set(POINTS)
        assert all(score in (0, POINTS[name]) for name, score in points.items())
        return {name for name, score in points.items() if not score}

    def marks(self) -> dict[str, dict[str, str]]:
        """What `nbgrader export` writes, by student."""
        with self.api.gradebook as book:
            table = GradesExport(config=self.config)
            table.to = str(self.root / "marks.csv")
            table.export(book)
        return {row["student_id"]: row for row in csv.DictReader((self.root / "marks.csv").open(newline=""))}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A course directory in which the set has been generated: nbgrader takes seconds to make a gradebook."""
    root = tmp_path_factory.mktemp("generated")
    (root / "source" / "toy").mkdir(parents=True)
    with (root / "source" / "toy" / "toy.ipynb").open("w") as file:
        write_with_metadata(toy_set(), file)
    patch = pytest.MonkeyPatch()
    patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    patch.setenv("IPYTHONDIR", str(root / "ipython"))
    grade.Grader("toy", root, way="none").prepare()
    yield root
    patch.undo()


@pytest.fixture
def course(generated: Path, tmp_path: Path) -> Course:
    shutil.copytree(generated, tmp_path / "course")
    return Course(tmp_path / "course")


def named(notebook: nbformat.NotebookNode, name: str) -> int:
    return next(i for i, cell in enumerate(notebook.cells) if cell.metadata.get("nbgrader", {}).get("grade_id") == name)


def test_a_right_hand_in_gets_all_points_and_an_empty_one_none(course: Course) -> None:
    course.hand_in("ada")
    course.hand_in("nemo", dict.fromkeys(RIGHT, "pass"))
    summary = course.grade()
    assert sorted(summary.graded) == ["ada", "nemo"]
    assert not summary.not_graded
    assert not course.lost("ada")
    assert course.lost("nemo") == set(POINTS)
