"""Hand-ins as they come from a class: what is right keeps its points, what cannot be graded is listed.

All of it on a set of three small tasks that needs no torch, so that a hand-in is graded in a second.
"""

from __future__ import annotations

import ast
import csv
import os
import re
import shutil
import socket
import subprocess
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

from grading import grade, sandbox  # noqa: E402
from grading.export import GradesExport  # noqa: E402
from grading.handins import misplaced  # noqa: E402
from grading.worker import settings  # noqa: E402

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
        answer = (
            RIGHT[task].replace("    return", "    ### BEGIN SOLUTION\n    return") + "\n    ### END SOLUTION"
        )
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

    def grade(self, students: list[str] | None = None, **keywords: object) -> grade.Summary:
        """`make grade SET=toy`, in this process."""
        grader = grade.Grader("toy", self.root, **{"way": "none", "hand_in_seconds": 20, **keywords})
        grader.prepare()
        return grader.grade(students or [], 2, False)

    def points(self, student: str) -> dict[str, float]:
        with self.api.gradebook as book:
            return {
                grade.name: grade.score
                for grade in book.find_submission_notebook("toy", "toy", student).grades
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
    return next(
        i
        for i, cell in enumerate(notebook.cells)
        if cell.metadata.get("nbgrader", {}).get("grade_id") == name
    )


def delete(*names: str) -> Callable[[nbformat.NotebookNode], None]:
    def change(notebook: nbformat.NotebookNode) -> None:
        for name in names:
            del notebook.cells[named(notebook, name)]

    return change


def changed_tests(notebook: nbformat.NotebookNode) -> None:
    notebook.cells[named(notebook, "half-visible")].source = "pass"
    hidden = notebook.cells[named(notebook, "half-hidden")]
    hidden.source, hidden.metadata.nbgrader["grade"], hidden.metadata.nbgrader["points"] = "", False, 99
    notebook.cells[named(notebook, "imports")].source = ""


def split_answer(notebook: nbformat.NotebookNode) -> None:
    """What JupyterLab's "Split Cell" leaves behind: the metadata twice."""
    index = named(notebook, "half")
    first, second = RIGHT["half"].split("\n")
    copy = new_code_cell(second, metadata=notebook.cells[index].metadata)
    notebook.cells[index].source = first
    notebook.cells.insert(index + 1, copy)


def copied_cells(notebook: nbformat.NotebookNode) -> None:
    """An old answer kept at the end, a test copied to the top, an answer copied and improved."""
    old = new_code_cell(
        "def half(x):\n    return 0", metadata=notebook.cells[named(notebook, "half")].metadata
    )
    test = notebook.cells[named(notebook, "double-visible")]
    better = notebook.cells[named(notebook, "root")]
    worse = new_code_cell("def root(x):\n    raise ValueError", metadata=better.metadata)
    notebook.cells.insert(named(notebook, "root"), worse)
    notebook.cells.insert(0, new_code_cell(test.source, metadata=test.metadata))
    notebook.cells.append(old)


def without_metadata(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})


def answers_without_metadata(notebook: nbformat.NotebookNode) -> None:
    for name in RIGHT:
        notebook.cells[named(notebook, name)].metadata = nbformat.from_dict({})
    delete("half-visible", "half-hidden")(notebook)


def old_metadata(notebook: nbformat.NotebookNode) -> None:
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader["schema_version"] = 1


def sabotaged_set_up(notebook: nbformat.NotebookNode) -> None:
    notebook.cells.insert(0, new_code_cell('import sys\nsys.modules["math"] = None'))


LOOP = "while True:\n    pass"
STUBBORN = (
    "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
)
EVERYTHING = set(POINTS)
HALF = {"half-visible", "half-hidden"}
NOT_GRADED = {  # student to words of the reason
    "bad-json": "no notebook",
    "bad-nothing": "is empty",
    "bad-format": "no valid notebook",
    "bad-set-up": "cell imports failed",
    "no-metadata": "no cell of this set",
    "renamed": 'only "toy (1).ipynb"',
    "two": "more than one notebook",
    "wrong-folder": "submitted/wrong-folder/toy/toy.ipynb is expected",
}
GRADED: dict[str, set[str]] = {  # student to test cells that give no points
    "ada": set(),
    "nemo": EVERYTHING,
    "deleted-tests": set(),
    "deleted-set-up": set(),
    "deleted-answer": HALF,
    "changed-tests": {"half-visible"},  # half(0) is right even so
    "split": set(),
    "copied": set(),
    "unlabelled": set(),
    "old": set(),
    "exit": {"root-hidden"},
    "silent": set(),
    "noisy": set(),
    "killed": HALF,
    "loop": {*HALF, "root-visible", "root-hidden"},
    "flood": HALF,
    "greedy": HALF,
}


def hand_in_everything(course: Course) -> None:
    course.hand_in("ada")
    course.hand_in("nemo", dict.fromkeys(RIGHT, "pass"))
    tests = [name for name in POINTS if name != "root-hidden"]
    course.hand_in("deleted-tests", change=delete(*tests))
    course.hand_in("deleted-set-up", change=delete("imports", "double-visible"))
    course.hand_in("deleted-answer", change=delete("half", "half-visible"))
    course.hand_in("changed-tests", {"half": "def half(x):\n    return x"}, changed_tests)
    course.hand_in("split", change=split_answer)
    course.hand_in("copied", change=copied_cells)
    course.hand_in("unlabelled", change=answers_without_metadata)
    course.hand_in("old", change=old_metadata)
    leave = "def root(x):\n    if x == 9:\n        exit()\n    return math.sqrt(x)\nsys.exit()"
    course.hand_in(
        "exit",
        {
            "double": RIGHT["double"] + "\nexit()",
            "half": RIGHT["half"] + "\nquit()",
            "root": "import sys\n" + leave,
        },
    )
    closed = "import sys\nsys.stdout.close()\n"
    course.hand_in(
        "silent",
        {
            "double": RIGHT["double"] + "\nimport sys\nsys.stdout = None\n1 / 0",
            "half": RIGHT["half"].replace("(x):", "(x):\n    import sys\n    sys.stdout = sys.stderr = None"),
            "root": closed + RIGHT["root"] + '\nprint("still here")',
        },
    )
    course.hand_in(
        "noisy",
        {"half": RIGHT["half"].replace(":", ':\n    import sys\n    print("hm", file=sys.stderr)', 1)},
    )
    course.hand_in("killed", {"half": "import os\nos._exit(1)"})
    course.hand_in("loop", {"half": LOOP, "root": "def root(x):\n    " + STUBBORN.replace("\n", "\n    ")})
    course.hand_in("flood", {"half": 'def half(x):\n    while True:\n        print("spam" * 1000)'})
    course.hand_in("greedy", {"half": "def half(x):\n    x = [0]\n    while True:\n        x = x + x"})
    course.hand_in("bad-set-up", change=sabotaged_set_up)
    course.hand_in("no-metadata", change=without_metadata)
    course.hand_in("two")
    shutil.copy(course.path("two"), course.path("two").with_name("toy-Copy1.ipynb"))
    text = course.path("ada").read_text()
    course.path("bad-json").write_text(text[: len(text) // 2])
    course.path("bad-nothing").write_text("")
    course.path("bad-format").write_text('{"cells": 5, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    course.path("renamed").with_name("toy (1).ipynb").write_text(text)
    (course.root / "submitted" / "wrong-folder").mkdir()
    (course.root / "submitted" / "wrong-folder" / "toy.ipynb").write_text(text)


@pytest.fixture(scope="module")
def marked(generated: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Course, grade.Summary]:
    """A class in which everything happens that happens, graded in one go."""
    root = tmp_path_factory.mktemp("class") / "course"
    shutil.copytree(generated, root)
    course = Course(root)
    hand_in_everything(course)
    with course.api.gradebook as book:
        book.add_student("absent")
    return course, course.grade(memory=1 << 30)


@pytest.mark.parametrize("student", GRADED)
def test_what_is_right_keeps_its_points(marked: tuple[Course, grade.Summary], student: str) -> None:
    course, summary = marked
    assert student in summary.graded
    assert course.lost(student) == GRADED[student]


@pytest.mark.parametrize("student", NOT_GRADED)
def test_what_cannot_be_graded_is_listed_with_the_reason(
    marked: tuple[Course, grade.Summary], student: str
) -> None:
    """In the summary and in the table of marks, where it has no score; a real zero has, and who is absent."""
    course, summary = marked
    assert NOT_GRADED[student] in summary.not_graded[student]
    marks = course.marks()
    assert marks[student]["status"].startswith("could not be graded")
    assert NOT_GRADED[student] in marks[student]["status"]
    assert not marks[student].get("score")
    assert (marks["nemo"]["status"], marks["nemo"]["score"]) == ("graded", "0.0")
    assert (marks["ada"]["status"], marks["ada"]["score"]) == ("graded", "12.0")
    assert (marks["absent"]["status"], marks["absent"]["score"]) == ("not handed in", "0.0")


def test_nothing_else_is_said_to_be_ungradable(marked: tuple[Course, grade.Summary]) -> None:
    _, summary = marked
    assert set(summary.not_graded) == set(NOT_GRADED)
    assert set(summary.graded) == set(GRADED)


def test_what_was_put_in_order_is_said(marked: tuple[Course, grade.Summary]) -> None:
    _, summary = marked
    assert set(summary.remarks) == {
        "deleted-tests",
        "deleted-set-up",
        "deleted-answer",
        "split",
        "copied",
        "unlabelled",
    }
    assert "answer cell half is missing" in " ".join(summary.remarks["deleted-answer"])


def test_the_students_page_says_why_a_cell_was_stopped(marked: tuple[Course, grade.Summary]) -> None:
    """So feedback works after `make grade` as after nbgrader alone."""
    course, _ = marked
    for student, words in {"loop": "Does a loop never end", "killed": "ended Python itself"}.items():
        answer = course.api.generate_feedback("toy", student, force=True)
        assert answer["success"], answer
        assert words in (course.root / "feedback" / student / "toy" / "toy.html").read_text()


def test_a_flood_of_printed_text_is_cut(marked: tuple[Course, grade.Summary]) -> None:
    course, _ = marked
    assert (course.root / "autograded" / "flood" / "toy" / "toy.ipynb").stat().st_size < 1_000_000


def test_what_is_graded_and_unchanged_is_not_graded_again(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the first run was stopped half-way; a second hand-in is graded, and so is a changed set."""
    for student in ("ada", "bob"):
        course.hand_in(student)
    enter = grade.Grader._enter

    def stop_after_one(*arguments: object) -> None:
        enter(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(grade.Grader, "_enter", stop_after_one)
    with pytest.raises(KeyboardInterrupt):
        course.grade()
    monkeypatch.setattr(grade.Grader, "_enter", enter)
    summary = course.grade()
    assert len(summary.unchanged) == len(summary.graded) == 1
    assert {*summary.unchanged, *summary.graded} == {"ada", "bob"}
    course.hand_in("bob", {"half": "def half(x):\n    return 0"})
    summary = course.grade()
    assert (summary.unchanged, summary.graded) == (["ada"], ["bob"])
    assert course.lost("bob") == {"half-visible"}
    source = course.root / "source" / "toy" / "toy.ipynb"
    source.write_text(source.read_text().replace("half(0) == 0", "half(2) == 1"))
    assert course.grade(students=["bob"]).graded == ["bob"]
    assert course.lost("bob") == HALF


def test_marks_by_hand_survive_a_second_hand_in_and_wait_for_another_look(course: Course) -> None:
    course.hand_in("ada", {"half": "pass"})
    course.grade()
    with course.api.gradebook as book:
        book.find_grade("half-hidden", "toy", "toy", "ada").manual_score = 1.5
        book.db.commit()
    course.hand_in("ada")
    course.grade()
    assert course.points("ada") == {**POINTS, "half-hidden": 1.5}
    with course.api.gradebook as book:
        assert book.find_submission("toy", "ada").needs_manual_grade


def test_nbgrader_alone_goes_on_after_a_hand_in_that_it_cannot_grade(course: Course) -> None:
    """`nbgrader autograde toy`, for four of which one was stripped."""
    course.hand_in("a-split", change=split_answer)
    course.hand_in("b-stripped", change=without_metadata)
    course.hand_in("c-deleted", change=delete("half-visible", "half-hidden", "root-visible"))
    course.hand_in("d-right", {"double": RIGHT["double"] + "\nexit()"})
    answer = course.api.autograde("toy", "*", force=True, create=True)
    assert not answer["success"]
    assert "holds no cell of this set" in answer["log"]
    for student in ("a-split", "c-deleted", "d-right"):
        assert not course.lost(student)
    marks = course.marks()
    assert marks["d-right"]["status"] == "graded"
    assert not marks["b-stripped"]["score"]


def test_a_hand_in_at_the_wrong_address_is_told_from_one_of_another_set(tmp_path: Path) -> None:
    for path in (
        "ada/PS1.ipynb",
        "bob/ps1 (1)/x.ipynb",
        "cyd/ps10/ps10.ipynb",
        "dan/ps1/ps1.ipynb",
        "ps1.ipynb",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("")
    assert set(misplaced(tmp_path, "ps1")) == {"ada", "bob", "ps1.ipynb"}
    assert set(misplaced(tmp_path, "ps10")) == {"ps1.ipynb"}
    (tmp_path / "ps1").mkdir()
    assert "wrong way round" in misplaced(tmp_path, "ps1")["ps1"]


# Tries to read and write the course and the home, to reach a server on this machine, and to see a secret.
SNOOP = """
import os, pathlib, socket
course, beside, port = pathlib.Path({course!r}), pathlib.Path({beside!r}), {port}
def tried(what):
    try:
        return what() or "nothing"
    except OSError as error:
        return "refused"
pathlib.Path("mine.txt").write_text("my own folder")
answers = dict(
    own=tried(lambda: pathlib.Path("mine.txt").read_text()),
    solutions=tried(lambda: (course / "source/toy/toy.ipynb").read_text() and "read"),
    others=tried(lambda: os.listdir(course / "submitted")),
    gradebook=tried(lambda: (course / "gradebook.db").read_bytes() and "read"),
    beside=tried(lambda: beside.write_text("changed") and "written"),
    network=tried(lambda: socket.create_connection(("127.0.0.1", port), timeout=2) and "reached"),
    environment=os.environ.get("SECRET_TOKEN", "nothing"),
)
print("ANSWERS", answers)
"""


@pytest.mark.parametrize("way", ["bwrap", "unshare"])
def test_in_a_sandbox_there_is_no_network_and_no_sight_of_the_course(
    course: Course, way: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not sandbox._works(way, [course.root]):
        pytest.skip(f"{way} does not work on this machine")
    monkeypatch.setenv("SECRET_TOKEN", "a secret")
    beside = tmp_path_factory.mktemp("home") / "thesis.txt"
    beside.write_text("years of work")
    with socket.create_server(("127.0.0.1", 0)) as server:
        snoop = SNOOP.format(course=str(course.root), beside=str(beside), port=server.getsockname()[1])
        course.hand_in("eve", {"half": RIGHT["half"] + snoop, "root": LOOP})
        course.grade(way=way)
    assert course.lost("eve") == {"root-visible", "root-hidden"}, (
        "a cell that was stopped costs its task only"
    )
    notebook = nbformat.read(course.root / "autograded" / "eve" / "toy" / "toy.ipynb", as_version=4)
    [line] = re.findall(
        r"^ANSWERS (.*)$", notebook.cells[named(notebook, "half")].outputs[0].text, flags=re.M
    )
    answers = ast.literal_eval(line)
    assert answers["own"] == "my own folder"
    assert answers["network"] == "refused"
    assert answers["environment"] == "nothing"
    assert [answers[name] for name in ("solutions", "others", "gradebook")] in (
        ["refused", "refused", "refused"],
        ["refused", "nothing", "refused"],
    )
    if way == "bwrap":  # unshare alone leaves the account's other files; the warning says so
        assert answers["beside"] == "refused"
        assert beside.read_text() == "years of work"


def test_without_a_sandbox_a_warning_says_what_is_lacking(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sandbox, "_works", lambda way, hidden: False)
    monkeypatch.setattr(sys, "argv", ["grade", "toy", "--course", str(course.root)])
    assert grade.main() == 0
    said = capsys.readouterr()
    assert "under your account with network" in said.err
    assert "0 graded" in said.out


def test_a_process_that_ignores_every_limit_is_ended_from_outside(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    course.hand_in("slow", {"half": "import time\ntime.sleep(60)"})
    monkeypatch.setattr(grade.Job, "limit", 4)
    began = time.monotonic()
    summary = course.grade()
    assert "ended by SIGKILL" in summary.not_graded["slow"]
    assert time.monotonic() - began < 45
    assert "ended by SIGKILL" in course.marks()["slow"]["status"]


def test_the_time_of_a_hand_in_is_shared_out_so_that_right_cells_get_theirs(course: Course) -> None:
    """Three cells that never end, in a hand-in that has 9 seconds; the last task is right."""
    course.hand_in(
        "loop", {"double": f"def double(x):\n    {LOOP.replace(chr(10), chr(10) + '    ')}", "half": LOOP}
    )
    began = time.monotonic()
    course.grade(hand_in_seconds=9)
    assert course.lost("loop") == {"double-visible", "double-hidden", *HALF}
    notebook = nbformat.read(course.root / "autograded" / "loop" / "toy" / "toy.ipynb", as_version=4)
    assert "longer than 3 seconds" in notebook.cells[named(notebook, "half")].outputs[0].evalue
    assert time.monotonic() - began < 60


def test_mistakes_of_the_instructor_end_in_a_sentence(
    course: Course, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["grade", "ps99", "--course", str(course.root)])
    assert grade.main() == 2
    assert 'There is no set "ps99". There are: toy.' in capsys.readouterr().err


def test_make_grade_prints_who_was_graded_and_who_not(course: Course) -> None:
    course.hand_in("ada")
    course.hand_in("eve", change=without_metadata)
    command = [
        sys.executable,
        "-m",
        "grading.grade",
        "toy",
        "--course",
        str(course.root),
        "--sandbox",
        "none",
    ]
    command += ["--jobs", "1", "ada", "eve"]  # as make puts JOBS and OPTIONS
    run = subprocess.run(command, cwd=ASSIGNMENTS, capture_output=True, text=True, check=True)
    assert "toy: 1 graded, 1 could not be graded." in run.stdout
    assert re.search(r"^  eve: toy.ipynb holds no cell of this set", run.stdout, flags=re.M)
    assert "hand-in" in run.stderr, "a progress bar"
    rows = list(csv.DictReader((course.root / "not_graded_toy.csv").open(newline="")))
    assert [row["student_id"] for row in rows] == ["eve"]
    makefile = (ASSIGNMENTS.parents[1] / "Makefile").read_text()
    assert re.search(
        r"^grade:.*\n\tcd notebooks/assignments && .* grading.grade \$\(SET\)", makefile, flags=re.M
    )
