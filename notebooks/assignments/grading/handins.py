"""Hand-ins as they come: which notebook is meant, whether it can be graded, and its cells put in order."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

NOT_HANDED_IN = "not handed in"


class NotGradableError(Exception):
    """This hand-in cannot be graded; the message tells the instructor why, and what to do."""


def handed_in_notebook(folder: Path, name: str) -> Path:
    """The notebook of the set ``name`` in a student's folder ``submitted/STUDENT/name``.

    Raises:
        NotGradableError: it is not there, has another name, has a rival, is no notebook, or none of its cells
            has an id.
    """
    notebooks = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    wanted = folder / f"{name}.ipynb"
    others = [str(path.relative_to(folder)) for path in notebooks if path != wanted]
    quoted = ", ".join(f'"{other}"' for other in others)
    if wanted not in notebooks and not others:
        raise NotGradableError(f"The folder holds no notebook: {name}.ipynb is expected in it.")
    if wanted not in notebooks:
        raise NotGradableError(f"There is no {name}.ipynb, only {quoted}: if that is the hand-in, rename it.")
    if others:
        raise NotGradableError(
            f"There is more than one notebook, {name}.ipynb and {quoted}: find out which one counts, "
            f"and leave only that one, as {name}.ipynb."
        )
    if not any(grade_id(cell) for cell in read_notebook(wanted).cells):
        raise _no_cell_of(name)
    return wanted


def _no_cell_of(name: str) -> NotGradableError:
    return NotGradableError(
        f"{name}.ipynb holds no cell of this set: it is another notebook, or a program that it went through "
        "dropped the cells' metadata. Ask for the file as JupyterLab saved it, or copy the answers into the "
        "released version by hand."
    )


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file, as format 4.

    Raises:
        NotGradableError: the file is no notebook.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotGradableError(
            f"{path.name} cannot be read as text ({error}): ask for the file again."
        ) from None
    if not text.strip():
        raise NotGradableError(f"{path.name} is empty: ask for the file again.")
    try:
        json.loads(text)
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except json.JSONDecodeError as error:
        raise NotGradableError(
            f"{path.name} is no notebook: its text breaks off or was changed at line {error.lineno}. "
            "Ask for the file again."
        ) from None
    except (
        Exception
    ) as error:  # nbformat raises half a dozen kinds, and AttributeError for a list in place of cells
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise NotGradableError(
            f"{path.name} is no valid notebook ({first}): ask for the file again."
        ) from None
    return notebook


def misplaced(submitted: Path, name: str) -> dict[str, str]:
    """Who seems to have handed in the set ``name`` where nobody would find it; with a sentence for each."""
    found: dict[str, str] = {}
    if not submitted.is_dir():
        return found
    if (submitted / name).is_dir():
        found[name] = (
            f"The folders are nested the wrong way round: submitted/STUDENT/{name} is expected, "
            f"not submitted/{name}/STUDENT."
        )
    for loose in sorted(submitted.glob("*.ipynb")):
        found[loose.name] = (
            f"The file lies in submitted/ itself: submitted/STUDENT/{name}/{name}.ipynb is expected."
        )
    for student in sorted(path for path in submitted.iterdir() if path.is_dir() and path.name != name):
        if (student / name).is_dir():
            continue
        similar = re.compile(rf"{re.escape(name)}(?![0-9a-z]).*", flags=re.I | re.S)  # ps1 (1), but not ps10
        meant = [path for path in sorted(student.iterdir()) if similar.fullmatch(path.stem)]
        if meant:
            found[student.name] = (
                f'There is "{meant[0].name}" in submitted/{student.name}: '
                f"submitted/{student.name}/{name}/{name}.ipynb is expected."
            )
    return found


class PutInOrder(NbGraderPreprocessor):
    """Makes of a student's notebook one that nbgrader can grade: each cell of the set is there, once.

    nbgrader knows cells by an id in their metadata. In JupyterLab an id is easily doubled (split or copy a
    cell) or lost (delete a cell); then nbgrader stops for the whole class, or leaves out tests without a
    word. Here

    * what nbgrader notes about a cell is written anew, so that it does not matter what became of it;
    * a cell with a doubled id is joined with its other part, or goes on as an ordinary cell (`_once`);
    * set-up, test and question cells that are gone are put back empty; nbgrader's `OverwriteCells`, a later
      step, fills them from the gradebook, as it does with locked cells that were changed.

    What a person should look at is said in ``notebook.metadata["remarks"]``.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        about = resources["nbgrader"]
        cells = _cells_of_set(about["db_url"], about["assignment"], about["notebook"])
        for cell in nb.cells:
            if grade_id(cell) not in cells:
                cell.metadata.pop("nbgrader", None)
        if not any(grade_id(cell) for cell in nb.cells):
            raise _no_cell_of(about["notebook"])
        remarks = _once(nb, cells)
        for cell in nb.cells:
            if grade_id(cell):
                cell.metadata.nbgrader = nbformat.from_dict(dict(cells[grade_id(cell)].metadata.nbgrader))
        remarks += _complete(nb, cells)
        if remarks:
            nb.metadata["remarks"] = remarks
        return nb, resources


def grade_id(cell: NotebookNode) -> str:
    """What nbgrader calls a cell; empty for a cell it does not know."""
    about = cell.metadata.get("nbgrader")
    return str(about.get("grade_id") or "") if isinstance(about, dict) else ""


def _cells_of_set(gradebook: str, assignment: str, notebook: str) -> dict[str, NotebookNode]:
    """The cells that the gradebook knows, in the order of the source (which the gradebook does not keep)."""
    with Gradebook(gradebook) as book:
        known = {cell.name for cell in book.find_notebook(notebook, assignment).source_cells}
    source = nbformat.read(Path("source", assignment, f"{notebook}.ipynb"), as_version=4)
    return {grade_id(cell): cell for cell in source.cells if grade_id(cell) in known}


def _task(name: str) -> str:
    """Test cells are called TASK-visible, TASK-hidden."""
    return name.split("-")[0]


def _once(nb: NotebookNode, cells: dict[str, NotebookNode]) -> list[str]:
    """Leave each id to one cell.

    A split answer, whose parts follow each other and are no programs on their own, is joined. Otherwise the
    first of several answer cells keeps the id, and the others run as ordinary cells where they stand, as
    they did for the student. Of several copies of a locked cell one stays: the first that comes after the
    task's answer.
    """
    remarks = []
    for name, reference in cells.items():
        copies = [index for index, cell in enumerate(nb.cells) if grade_id(cell) == name]
        if len(copies) < 2:
            continue
        if reference.metadata.nbgrader.get("solution"):
            if _join_split_answer(nb, copies):
                remarks.append(f"The answer cell {name} was split; its parts were joined.")
                continue
            for index in copies[1:]:
                nb.cells[index].metadata.pop("nbgrader")
            remarks.append(f"The answer cell {name} is there {len(copies)} times; all run, in their order.")
            continue
        answers = [index for index, cell in enumerate(nb.cells) if grade_id(cell) == _task(name)]
        kept = next((index for index in copies if answers and index > answers[0]), copies[0])
        nb.cells = [cell for index, cell in enumerate(nb.cells) if index not in copies or index == kept]
    return remarks


def _join_split_answer(nb: NotebookNode, copies: list[int]) -> bool:
    parts = [nb.cells[index].source for index in copies]
    joined = "\n".join(parts)
    together = copies == list(range(copies[0], copies[0] + len(copies)))
    if not together or all(_is_program(part) for part in parts) or not _is_program(joined):
        return False
    nb.cells[copies[0]].source = joined
    del nb.cells[copies[1] : copies[-1] + 1]
    return True


def _is_program(source: str) -> bool:
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return True


def _complete(nb: NotebookNode, cells: dict[str, NotebookNode]) -> list[str]:
    """Put back the cells that are missing, but for answers, which only the student has."""
    remarks = []
    names = list(cells)
    for position, name in enumerate(names):
        if any(grade_id(cell) == name for cell in nb.cells):
            continue
        reference = cells[name]
        if reference.metadata.nbgrader.get("solution"):
            remarks.append(f"The answer cell {name} is missing.")
            continue
        kind = nbformat.v4.new_code_cell if reference.cell_type == "code" else nbformat.v4.new_markdown_cell
        cell = kind(metadata={"nbgrader": dict(reference.metadata.nbgrader)})
        nb.cells.insert(_position_for_missing(nb, names, position), cell)
        remarks.append(f"The cell {name} was missing and has been put back.")
    return remarks


def _position_for_missing(nb: NotebookNode, names: list[str], position: int) -> int:
    """After the nearest cell before it that is there, and after code that follows that one.

    That code may be the answer itself, in a cell that lost its id.
    """
    places = {grade_id(cell): index for index, cell in enumerate(nb.cells) if grade_id(cell)}
    before = [places[name] for name in names[:position] if name in places]
    place = before[-1] + 1 if before else 0
    if not before:
        return place
    for index in range(place, len(nb.cells)):
        cell = nb.cells[index]
        if grade_id(cell):
            break
        if cell.cell_type == "code":
            place = index + 1
    return place
