"""Every lesson has what a lesson has, was run, and stores what it showed."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest

from jahp_lib.course import LESSONS, TO_COME, notebooks

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
FILES = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
SECTIONS = [
    "You will be able to",
    "The problem",
    "Build",
    "Check",
    "Play",
    "What goes wrong",
    "Exercises",
    "Remember",
    "Words",
    "References",
]
# the module in which each lesson's own part is finished
OWN = {
    "01": ("bits",),
    "02": ("rate_distortion",),
    "03": ("gdn",),
    "04": ("transforms", "factorized"),
    "05": ("masked_conv",),
    "06": ("hyperprior",),
    "07": ("context",),
    "08": ("codec",),
    "09": ("codec",),
    "10": ("multipliers", "variable_rate"),
    "12": ("snapshots", "training", "evaluation"),
}
WITH_LMBDA = {"00", "02", "04", "06", "07", "09", "10", "12"}
FRONT = {"photos", "weights", "course", "checkpoints", "demo", "load", "save"}
# names that the package itself offers, and the module each comes from
PUBLIC = {
    "GDN": "gdn",
    "MaskedConv2d": "masked_conv",
    "FactorizedPrior": "factorized",
    "FactorizedModel": "factorized",
    "ScaleHyperprior": "hyperprior",
    "MeanScaleHyperprior": "hyperprior",
    "ContextModel": "context",
    "JointModel": "context",
    "VariableRate": "variable_rate",
    "rate_distortion_loss": "rate_distortion",
    "Codec": "codec",
}

pytestmark = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def test_every_lesson_of_the_course_has_one_notebook_or_is_said_to_be_to_come(path: Path) -> None:
    """Breaks if a lesson is written and still called "to come", or is lost."""
    assert sorted([*(file.name[:2] for file in FILES), *TO_COME]) == list(LESSONS)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def headings(path: Path) -> list[str]:
    text = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    return re.findall(r"^## +(.*?)\s*$", text, flags=re.M)


def test_a_lesson_has_all_its_sections_in_order(path: Path) -> None:
    found = [heading for heading in headings(path) if heading in SECTIONS]
    assert found == SECTIONS


def test_the_first_cell_names_the_lesson_and_leads_to_colab_once_it_is_published(path: Path) -> None:
    first = read(path).cells[0].source
    assert re.match(rf"# {path.name[:2]} · ", first)
    assert ("colab.research.google.com" in first) == (
        "github.com/owner/name" not in code_cells(path)[0].source
    )
    assert "make badges" not in first  # a reader has no use for a line about what is missing


def test_the_set_up_cell_is_the_same_in_every_lesson(path: Path) -> None:
    first = code_cells(path)[0].source
    assert re.sub(r"github\.com/[\w.-]+/[\w.-]+\"", 'github.com/owner/name"', first) == notebooks.SETUP


def test_every_code_cell_was_run_in_order_without_an_error(path: Path) -> None:
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert sum(bool(cell.outputs) for cell in cells) > len(cells) / 2


def test_no_code_cell_is_longer_than_a_reader_can_hold(path: Path) -> None:
    too_long = [
        cell.source.splitlines()[0] for cell in code_cells(path) if len(cell.source.splitlines()) > 25
    ]
    assert not too_long


def test_every_picture_has_an_alternative_text(path: Path) -> None:
    pictures = 0
    for cell in code_cells(path):
        for output in cell.outputs:
            for mime in ("image/png", "image/jpeg"):
                if mime in output.get("data", {}):
                    pictures += 1
                    assert len(output.metadata[mime]["alt"]) >= 30
                    assert not output.data["text/plain"].startswith("<")
    assert pictures >= 4


def test_captions_are_numbered_in_order(path: Path) -> None:
    text = "\n".join(
        output.data["text/markdown"]
        for cell in code_cells(path)
        for output in cell.outputs
        if "text/markdown" in output.get("data", {})
    )
    numbers = [int(number) for number in re.findall(r"^\W*Figure (\d+)", text, flags=re.M)]
    assert len(numbers) >= 3
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_map_of_the_course_with_its_own_blocks_lit_stands_before_anything_is_built(path: Path) -> None:
    cells = read(path).cells
    shown = [k for k, cell in enumerate(cells) if cell.cell_type == "code" and "course_map(" in cell.source]
    build = next(k for k, cell in enumerate(cells) if re.search(r"^## Build$", cell.source, flags=re.M))
    assert len(shown) == 1
    assert shown[0] < build
    assert f'course_map("{path.name[:2]}")' in cells[shown[0]].source
    assert any("image/png" in output.get("data", {}) for output in cells[shown[0]].outputs)


def test_it_asks_for_two_predictions_and_answers_each(path: Path) -> None:
    text = "\n".join(cell.source for cell in code_cells(path))
    assert text.count("widgets.Prediction(") >= 2
    assert text.count("widgets.Prediction(") == text.count(".reveal(")


def test_it_has_a_slider_with_a_figure_beside_it(path: Path) -> None:
    """A slider for λ where the course promises one; a stored figure under each slider, for readers on a page
    without widgets.
    """
    sliders = [cell for cell in code_cells(path) if "explore(" in cell.source]
    assert sliders
    for cell in sliders:
        assert any(
            {"image/png", "image/jpeg"}.intersection(output.get("data", {})) for output in cell.outputs
        )
    if path.name[:2] in WITH_LMBDA:
        assert any("lmbda=widgets.lmbda_slider(" in cell.source for cell in sliders)


def test_the_head_says_what_one_will_be_able_to_do_and_how_long_it_takes(path: Path) -> None:
    head = next(cell.source for cell in read(path).cells if "## You will be able to" in cell.source)
    assert len(re.findall(r"^\d\. ", head, flags=re.M)) >= 3
    assert "(exercise" in head
    for word in ("**Time to read:**", "**Time to run:**"):
        assert word in head
    assert re.search(r"processor cores?\b", head), "the head does not say what the lesson computes with"


def test_what_was_built_is_checked_against_the_library(path: Path) -> None:
    cells = read(path).cells
    begin, end = (
        next(k for k, cell in enumerate(cells) if re.search(rf"^## {name}$", cell.source, flags=re.M))
        for name in ("Check", "Play")
    )
    checked = "\n".join(cell.source for cell in cells[begin:end] if cell.cell_type == "code")
    assert re.search(r"assert_close|assert |allclose|torch\.equal", checked)


def test_it_has_three_exercises_each_with_a_check_and_a_solution(path: Path) -> None:
    text = "\n".join(cell.source for cell in read(path).cells)
    assert len(re.findall(r"^### Exercise \d", text, flags=re.M)) == 3
    assert len(re.findall(r"@(?:course\.)?check\(\"Exercise \d", text)) == 3
    assert text.count("<details>") >= 3


def test_it_imports_only_what_earlier_lessons_finished_and_its_own_part_only_to_check(path: Path) -> None:
    number, checking = path.name[:2], False
    allowed = set(FRONT).union(*(OWN[lesson] for lesson in OWN if lesson < number))
    if number == "00":  # the welcome shows the finished thing
        allowed |= {"codec", "evaluation", "variable_rate", "rate_distortion", "demo"}
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            checking |= bool(re.search(r"^## Check\s*$", cell.source, flags=re.M))
            continue
        for module in imported(cell.source):
            assert module in allowed or (checking and module in OWN.get(number, ())), (
                f"imports jahp_lib.{module} {'after' if checking else 'before'} Check"
            )


def imported(source: str) -> set[str]:
    """Modules of jahp_lib that a cell imports."""
    source = "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jahp_lib":
            parts = node.module.split(".")
            found |= (
                {parts[1]} if len(parts) > 1 else {PUBLIC.get(alias.name, alias.name) for alias in node.names}
            )
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("jahp_lib.")}
    return found


def test_storing_it_again_would_change_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert nbformat.writes(notebooks.normalise(nbformat.reads(text, as_version=4))) + "\n" == text


def test_it_is_small_enough_to_open_on_the_web(path: Path) -> None:
    assert path.stat().st_size < 3_000_000


def test_its_number_and_title_are_those_of_the_course(path: Path) -> None:
    number = path.name[:2]
    assert read(path).cells[0].source.splitlines()[0] == f"# {number} · {LESSONS[number]}"
