"""The glossary knows every word of the lessons, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from jahp_lib.course import LESSONS as COURSE
from jahp_lib.course import TO_COME

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
GLOSSARY = (FOLDER / "README.md").read_text(encoding="utf-8")
LESSONS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def names(term: str) -> list[str]:
    """The names in a term: "latent $y$, $\\hat y$:" is "latent"; "MSE, mean squared error" are two."""
    plain = re.sub(r"\$[^$]*\$|\([^)]*\)", "", term)
    return [name for name in (part.strip(" :.").casefold() for part in plain.split(",")) if name]


def text_of(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def words_of(path: Path) -> list[str]:
    """Names of all bold terms in a lesson's section "Words"."""
    section = re.search(r"^## Words\s*$(.*?)(?=^## |\Z)", text_of(path), flags=re.S | re.M)
    return [name for term in re.findall(r"\*\*(.+?)\*\*", section[1]) for name in names(term)]


def glossary_rows() -> list[tuple[list[str], int]]:
    """Names and lesson of each row of the first table."""
    table = GLOSSARY.split("## Words")[1].split("## ")[0]
    return [
        (names(term), int(lesson))
        for term, lesson in re.findall(r"^\| (.+?) \| .+ \| \[(\d+)\]\(.+\) \|$", table, flags=re.M)
    ]


FIRST: dict[str, int] = {}
for lesson in LESSONS:
    for word in words_of(lesson):
        FIRST.setdefault(word, int(lesson.name[:2]))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_word_of_a_lesson_is_in_the_glossary(path: Path) -> None:
    known = {name for row, _ in glossary_rows() for name in row}
    words = words_of(path)
    assert len(words) >= 5
    assert not [word for word in words if word not in known]


def test_each_word_stands_beside_the_lesson_that_lists_it_first() -> None:
    expected = [
        (row, min((FIRST[name] for name in row if name in FIRST), default=None)) for row, _ in glossary_rows()
    ]
    assert glossary_rows() == expected


def test_no_word_is_explained_twice() -> None:
    known = [name for row, _ in glossary_rows() for name in row]
    assert sorted(known) == sorted(set(known))


def test_the_words_are_in_alphabetical_order() -> None:
    leading = [{"λ": "lambda"}.get(row[0], row[0]) for row, _ in glossary_rows()]
    assert leading == sorted(leading)


def test_every_link_leads_to_a_lesson_and_to_a_heading_in_it() -> None:
    links = re.findall(r"\]\((\w+\.ipynb)(?:#([^)]+))?\)", GLOSSARY)
    assert len(links) == len(re.findall(r"\]\(", GLOSSARY))
    assert {name for name, _ in links} == {path.name for path in LESSONS}
    for name, fragment in links:
        headings = re.findall(r"^#+ +(.*?)\s*$", text_of(FOLDER / name), flags=re.M)
        # JupyterLab names a heading by its text with hyphens for spaces
        assert not fragment or unquote(fragment) in [heading.replace(" ", "-") for heading in headings], (
            f"{name}#{unquote(fragment)}"
        )


def test_the_welcome_links_every_other_lesson() -> None:
    assert set(re.findall(r"\]\((\d\d_\w+\.ipynb)\)", text_of(LESSONS[0]))) == {
        path.name for path in LESSONS[1:]
    }


@pytest.mark.parametrize(
    "page", [FOLDER / "README.md", FOLDER.parent / "README.md"], ids=["lessons", "front"]
)
def test_the_table_of_lessons_has_them_all_and_a_link_to_each_that_is_written(page: Path) -> None:
    """Breaks if a lesson is missing, has another title than in the course, or if one to come has a link."""
    row = r"^\| (\d+) \| (?:\[([^\]]+)\]\((?:notebooks/)?(\w+)\.ipynb\)|(.+?) \(to come\)) \|"
    rows = re.findall(row, page.read_text(encoding="utf-8"), flags=re.M)
    assert {f"{int(number):02d}": title or later for number, title, _, later in rows} == COURSE
    assert {name for _, _, name, _ in rows if name} == {path.stem for path in LESSONS}
    assert {f"{int(number):02d}" for number, *_, later in rows if later} == TO_COME
