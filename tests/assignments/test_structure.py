"""Every problem set can be handed out: points, ids, hidden tests, a written question with a rubric, nothing
from the network."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbgrader.nbgraderformat import MetadataValidator

SOURCE = Path(__file__).resolve().parents[2] / "notebooks" / "assignments" / "source"
FILES = sorted(SOURCE.glob("*/*.ipynb"))
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", flags=re.S)
SCHEME = re.compile(r"=== BEGIN MARK SCHEME ===\n(.*?)=== END MARK SCHEME ===", flags=re.S)
OUTSIDE = {"requests", "urllib", "socket", "http", "time", "datetime"}

pytestmark = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def cells(path: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(path, as_version=4).cells


def about(cell: nbformat.NotebookNode) -> dict:
    return cell.metadata.get("nbgrader", {})


def graded_cells(path: Path) -> dict[str, list[nbformat.NotebookNode]]:
    """Task to its test cells, which are named TASK-something."""
    found: dict[str, list[nbformat.NotebookNode]] = {
        about(cell)["grade_id"]: [] for cell in cells(path) if about(cell).get("solution")
    }
    for cell in cells(path):
        if about(cell).get("grade"):
            found[about(cell)["grade_id"].split("-")[0]].append(cell)
    return found


def test_folder_and_notebook_have_one_name(path: Path) -> None:
    assert path.parent.name == path.stem


def test_nbgrader_takes_the_metadata(path: Path) -> None:
    MetadataValidator().validate_nb(nbformat.read(path, as_version=4))


def test_ids_are_there_once(path: Path) -> None:
    grade_ids = [about(cell)["grade_id"] for cell in cells(path) if about(cell)]
    cell_ids = [cell.id for cell in cells(path)]
    assert len(grade_ids) == len(set(grade_ids))
    assert len(cell_ids) == len(set(cell_ids))


def test_there_are_four_to_seven_tasks(path: Path) -> None:
    assert 4 <= len(graded_cells(path)) <= 7


def test_each_task_has_visible_and_hidden_tests_with_points_of_their_own(path: Path) -> None:
    """So a task gives partial credit, and an answer made for the visible numbers does not get all of it."""
    for task, tests in graded_cells(path).items():
        visible = [cell for cell in tests if HIDDEN.sub("", cell.source).count("assert")]
        hidden = [cell for cell in tests if any("assert" in region for region in HIDDEN.findall(cell.source))]
        assert visible, f"{task} has no visible test."
        assert hidden, f"{task} has no hidden test."
        assert len(tests) >= 2, f"{task} gives all points or none."
        assert all(about(cell)["points"] > 0 and about(cell)["locked"] for cell in tests)


def test_a_hidden_test_announces_itself_to_the_student(path: Path) -> None:
    for cell in cells(path):
        if HIDDEN.search(cell.source):
            assert HIDDEN.sub("", cell.source).strip().startswith("#"), (
                f"{cell.id} would be an empty cell in the students' version."
            )


def test_the_points_said_in_the_text_are_the_points_given(path: Path) -> None:
    headings = re.findall(
        r"^## Task \d+ · .*\((\d+) points\)", "\n".join(cell.source for cell in cells(path)), flags=re.M
    )
    by_task = [sum(about(cell)["points"] for cell in tests) for tests in graded_cells(path).values()]
    written = [about(cell)["points"] for cell in cells(path) if about(cell).get("task")]
    assert [int(points) for points in headings] == by_task
    assert int(re.search(r"\*\*Points:\*\* (\d+)", cells(path)[0].source)[1]) == sum(by_task) + sum(written)


def test_the_first_cell_says_how_long_it_takes(path: Path) -> None:
    assert 60 <= int(re.search(r"\*\*Time:\*\* (\d+) minutes", cells(path)[0].source)[1]) <= 120


def test_there_is_one_written_question_and_its_rubric_adds_up(path: Path) -> None:
    [question] = [cell for cell in cells(path) if about(cell).get("task")]
    [rubric] = SCHEME.findall(question.source)
    assert (
        sum(map(float, re.findall(r"^\| (\d+(?:\.\d+)?) \|", rubric, flags=re.M)))
        == about(question)["points"]
    )


def test_every_code_cell_is_known_to_nbgrader(path: Path) -> None:
    """So set-up cells are locked: what students change there is put back before grading, and gets the time
    that imports take."""
    for cell in cells(path):
        if cell.cell_type == "code":
            assert about(cell).get("locked") or about(cell).get("solution"), cell.id


def test_every_solution_is_marked(path: Path) -> None:
    for cell in cells(path):
        if about(cell).get("solution"):
            assert cell.source.count("### BEGIN SOLUTION") == cell.source.count("### END SOLUTION") == 1


def test_every_test_says_in_words_what_is_wrong(path: Path) -> None:
    for tests in graded_cells(path).values():
        for cell in tests:
            for node in ast.walk(ast.parse(cell.source)):
                assert not isinstance(node, ast.Assert) or node.msg is not None, (
                    f"An assert of {cell.id} has no message: {ast.unparse(node)}"
                )


def test_no_test_needs_the_network_the_time_or_torchs_own_seed_of_another_cell(path: Path) -> None:
    for tests in graded_cells(path).values():
        for cell in tests:
            assert not OUTSIDE & {
                word for node in ast.walk(ast.parse(cell.source)) for word in modules(node)
            }, cell.id
            assert "manual_seed" not in cell.source, cell.id
            assert "download" not in cell.source, cell.id
            assert not re.search(r"^[%!]", cell.source, flags=re.M), cell.id


def test_every_test_imports_what_it_uses(path: Path) -> None:
    """A student's cell may have given `torch` another meaning.

    But for built-ins, a test uses its task's function and its own names.
    """
    for task, tests in graded_cells(path).items():
        for cell in tests:
            nodes = list(ast.walk(ast.parse(cell.source)))
            known = {task, *dir(__import__("builtins"))}
            known |= {
                alias.asname or alias.name.split(".")[0]
                for node in nodes
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            }
            known |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
            known |= {node.arg for node in nodes if isinstance(node, ast.arg)}
            known |= {
                node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            used = {
                node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
            }
            assert used <= known, f"{cell.id} takes {', '.join(sorted(used - known))} from another cell."


def test_the_source_stores_no_outputs(path: Path) -> None:
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells(path))


def modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    return [node.module.split(".")[0]] if isinstance(node, ast.ImportFrom) and node.module else []
