"""The whole way through nbgrader, in a temporary directory: generate, submit, autograde, feedback, export."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbgrader.apps import NbGraderAPI
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import PyFileConfigLoader

ASSIGNMENTS = Path(__file__).resolve().parents[2] / "notebooks" / "assignments"
SETS = sorted(path.name for path in (ASSIGNMENTS / "source").iterdir() if path.is_dir())
SECONDS = 8  # for each cell, in place of the 30 of the course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, NbGraderAPI]]:
    """A copy of the course directory with its own settings, and only the time for each cell made shorter."""
    root = tmp_path_factory.mktemp("course")
    shutil.copytree(ASSIGNMENTS / "source", root / "source")
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ASSIGNMENTS)).load_config()
    config.CourseDirectory.root = str(root)
    config.Exchange.root = str(root / "exchange")
    patch = pytest.MonkeyPatch()
    patch.setenv(
        "PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )  # nbgrader calls alembic
    patch.setenv("IPYTHONDIR", str(root / "ipython"))
    patch.setenv("HOME", str(root))
    yield root, NbGraderAPI(config=config)
    patch.undo()


def succeeded(answer: dict) -> None:
    assert answer["success"], answer["error"] or answer["log"]


def submit(
    root: Path, student: str, name: str, cells: dict[str, str] | None = None, written: str | None = None
) -> None:
    """Hand in the released notebook with some cells replaced."""
    notebook = nbformat.read(root / "release" / name / f"{name}.ipynb", as_version=4)
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if cells and grade_id in cells:
            cell.source = cells[grade_id]
        if written and cell.source == "*Write your answer here.*":
            cell.source = written
    folder = root / "submitted" / student / name
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{name}.ipynb")


def solutions(root: Path, name: str) -> dict[str, str]:
    notebook = nbformat.read(root / "source" / name / f"{name}.ipynb", as_version=4)
    return {
        cell.metadata.nbgrader["grade_id"]: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def scores(api: NbGraderAPI, student: str, name: str) -> dict[str, tuple[float, float]]:
    """Points and greatest points of each graded cell."""
    with api.gradebook as book:
        return {
            grade.name: (grade.score, grade.max_score)
            for grade in book.find_submission_notebook(name, name, student).grades
        }


@pytest.mark.parametrize("name", SETS)
def test_the_released_version_shows_neither_solutions_nor_hidden_tests_nor_the_rubric(
    course: tuple, name: str
) -> None:
    root, api = course
    succeeded(api.generate_assignment(name, create=True, force=True))
    released = (root / "release" / name / f"{name}.ipynb").read_text()
    for word in ("BEGIN SOLUTION", "HIDDEN TESTS", "MARK SCHEME", "Rubric"):
        assert word in (root / "source" / name / f"{name}.ipynb").read_text()
        assert word not in released
    assert released.count('NotImplementedError(\\"This task is not answered yet') == len(
        solutions(root, name)
    )


@pytest.mark.parametrize("name", SETS)
def test_the_solution_gets_all_points_and_the_empty_version_none(course: tuple, name: str) -> None:
    """And the task that a person grades waits for that person."""
    root, api = course
    if not (root / "release" / name).exists():
        succeeded(api.generate_assignment(name, create=True, force=True))
    submit(root, "ada", name, solutions(root, name), written="No, no, and no.")
    submit(root, "nemo", name)
    for student in ("ada", "nemo"):
        succeeded(api.autograde(name, student, create=True, force=True))
    autograded = {cell: points for cell, points in scores(api, "ada", name).items() if cell != "written"}
    assert all(score == greatest > 0 for score, greatest in autograded.values()), autograded
    assert not any(score for score, _ in scores(api, "nemo", name).values())
    with api.gradebook as book:
        assert book.find_submission(name, "ada").needs_manual_grade


def test_endless_loops_and_the_end_of_python_cost_their_task_and_nothing_else(course: tuple) -> None:
    """Three tasks: a loop in the cell itself, a loop that catches the interrupt, and an answer that ends
    Python."""
    root, api = course
    name = SETS[0]
    if not (root / "release" / name).exists():
        succeeded(api.generate_assignment(name, create=True, force=True))
    cells = solutions(root, name)
    endless, stubborn, fatal, noisy = list(cells)[:4]
    cells[endless] = "while True:\n    pass"
    cells[stubborn] = (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        "
        "pass"
    )
    cells[fatal] = "import os\nos._exit(1)"
    cells[noisy] = "import sys\n" + cells[noisy].replace(
        "    ### BEGIN", '    print("a warning", file=sys.stderr)\n    ### BEGIN'
    )
    submit(root, "loop", name, cells)
    config = api.config.copy()
    config.Execute.timeout = SECONDS
    patient = NbGraderAPI(config=config)
    succeeded(patient.autograde(name, "loop", create=True, force=True))
    for cell, (score, greatest) in scores(api, "loop", name).items():
        lost = cell == "written" or cell.split("-")[0] in (endless, stubborn, fatal)
        assert score == (0 if lost else greatest), f"{cell} got {score} of {greatest} points."
    autograded = nbformat.read(root / "autograded" / "loop" / name / f"{name}.ipynb", as_version=4)
    said = {
        cell.metadata.nbgrader["grade_id"]: cell.outputs
        for cell in autograded.cells
        if cell.get("outputs") and "nbgrader" in cell.metadata
    }
    assert f"longer than {SECONDS} seconds" in said[endless][0].evalue
    assert f"longer than {SECONDS} seconds" in said[stubborn][0].evalue
    assert "ended Python" in said[fatal][0].evalue
    succeeded(api.generate_feedback(name, "loop", force=True))
    page = (root / "feedback" / "loop" / name / f"{name}.html").read_text()
    assert "Does a loop never end" in page
    assert "ended Python itself" in page


def test_a_mark_by_hand_reaches_the_feedback_and_the_table_of_marks(course: tuple) -> None:
    root, api = course
    name = SETS[0]
    if not (root / "submitted" / "ada" / name).exists():
        test_the_solution_gets_all_points_and_the_empty_version_none(course, name)
    with api.gradebook as book:
        grade = book.find_grade("written", name, name, "ada")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        comment = book.find_comment("written", name, name, "ada")
        comment.manual_comment = "Say why the table sums to one."
        book.db.commit()
    succeeded(api.generate_feedback(name, "ada", force=True))
    page = (root / "feedback" / "ada" / name / f"{name}.html").read_text()
    assert "Say why the table sums to one." in page
    assert "No, no, and no." in page
    with api.gradebook as book:
        plugin = CsvExportPlugin(config=api.config)
        plugin.to = str(root / "marks.csv")
        plugin.export(book)
    rows = {
        row["student_id"]: row
        for row in csv.DictReader((root / "marks.csv").open())
        if row["assignment"] == name
    }
    greatest = float(rows["ada"]["max_score"])
    assert float(rows["ada"]["score"]) == greatest - 1.5  # 2.5 of 4 for the written question
    assert float(rows["nemo"]["score"]) == 0
