"""The graders are right: solutions get all points, other right ways too, the empty version none, and every
wrong answer loses some.

Answers are files: ``ps1/TASK/right_*.py`` and ``wrong_*.py``, each the whole content of the solution cell. A
new file is a new test.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nbformat
import pytest

HERE = Path(__file__).parent
ASSIGNMENTS = HERE.parents[1] / "notebooks" / "assignments"
SETS = sorted(path.name for path in (ASSIGNMENTS / "source").iterdir() if path.is_dir())
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION", flags=re.M | re.S)


def tasks(name: str) -> dict[str, str]:
    """Each autograded task of a set, with the solution cell of the source."""
    notebook = nbformat.read(ASSIGNMENTS / "source" / name / f"{name}.ipynb", as_version=4)
    about = [(cell, cell.metadata.get("nbgrader", {})) for cell in notebook.cells if cell.cell_type == "code"]
    return {meta["grade_id"]: cell.source for cell, meta in about if meta.get("solution")}


def empty(solution: str) -> str:
    """The solution cell as students get it."""
    return SOLUTION.sub(r"\1raise NotImplementedError()", solution)


def answers(name: str, task: str) -> dict[str, str]:
    """Every answer to a task: ``solution``, ``empty`` and the files."""
    solution = tasks(name)[task]
    files = {path.stem: path.read_text() for path in sorted((HERE / name / task).glob("*.py"))}
    return {"solution": solution, "empty": empty(solution), **files}


@cache
def graded(name: str) -> dict[tuple[str, str], dict[str, str | None]]:
    """The result of each test cell for each answer to each task of a set."""
    jobs = [(task, answer, code) for task in tasks(name) for answer, code in answers(name, task).items()]
    program = [
        sys.executable,
        str(HERE / "grade_answers.py"),
        str(ASSIGNMENTS / "source" / name / f"{name}.ipynb"),
    ]
    done = subprocess.run(
        program, input=json.dumps([job[::2] for job in jobs]), capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    return {job[:2]: result for job, result in zip(jobs, json.loads(done.stdout), strict=True)}


def each(kind: str) -> Callable:
    every = [
        (name, task, answer)
        for name in SETS
        for task in tasks(name)
        for answer in answers(name, task)
        if answer.startswith(kind)
    ]
    return pytest.mark.parametrize(("name", "task", "answer"), every, ids=["-".join(one) for one in every])


@each("solution")
def test_the_solution_gets_all_points(name: str, task: str, answer: str) -> None:
    assert [message for message in graded(name)[task, answer].values() if message] == []


@each("right")
def test_other_right_ways_get_all_points(name: str, task: str, answer: str) -> None:
    assert [message for message in graded(name)[task, answer].values() if message] == []


@each("empty")
def test_the_empty_version_gets_no_points(name: str, task: str, answer: str) -> None:
    assert all(graded(name)[task, answer].values()), "A test cell passes although nothing was answered."


@each("wrong")
def test_every_wrong_answer_loses_points(name: str, task: str, answer: str) -> None:
    messages = [message for message in graded(name)[task, answer].values() if message]
    assert messages, "All test cells pass."


@each("wrong")
def test_a_wrong_answer_is_told_in_words_what_is_wrong(name: str, task: str, answer: str) -> None:
    """At least one failing cell ends in a sentence of ours, not only in an error of Python or torch."""
    messages = [message for message in graded(name)[task, answer].values() if message]
    assert any(message.startswith("AssertionError") and len(message) > 60 for message in messages), messages


@pytest.mark.parametrize(("name", "task"), [(name, task) for name in SETS for task in tasks(name)])
def test_each_task_has_two_other_right_ways_and_five_wrong_answers(name: str, task: str) -> None:
    codes = answers(name, task)
    assert len({code for answer, code in codes.items() if answer.startswith("right")}) >= 2
    assert len({code for answer, code in codes.items() if answer.startswith("wrong")}) >= 5
    assert len(set(codes.values())) == len(codes), "Two files hold the same answer."


def test_no_folder_of_answers_lies_outside_a_task() -> None:
    folders = {
        (path.parent.name, path.name)
        for path in HERE.glob("ps*/*")
        if path.is_dir() and path.name != "__pycache__"
    }
    assert folders == {(name, task) for name in SETS for task in tasks(name)}


@pytest.mark.parametrize("name", SETS)
def test_the_readme_counts_the_answers(name: str) -> None:
    """Instructors read there how many wrong answers are caught; the test above holds that it is all of
    them."""
    kinds = [answer.split("_")[0] for task in tasks(name) for answer in answers(name, task)]
    right, wrong = kinds.count("right"), kinds.count("wrong")
    lines = (ASSIGNMENTS / "README.md").read_text().splitlines()
    header = next(line for line in lines if line.startswith("| Set |"))
    row = next(line for line in lines if f"[{name}]" in line)
    assert f"| {right} right, {wrong} of {wrong} wrong caught |" in row
    assert row.count("|") == header.count("|"), "GitHub drops the cells that have no column."
