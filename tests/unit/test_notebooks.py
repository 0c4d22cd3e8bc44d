"""The notebook runner and the stamping of badges."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from jahp_lib.course import notebooks, widgets


def lesson(*sources: str) -> nbformat.NotebookNode:
    cells = [nbformat.v4.new_markdown_cell("# 03 · GDN\n\nA sentence.")]
    cells += [nbformat.v4.new_code_cell(source) for source in (notebooks.SETUP, *sources)]
    return nbformat.v4.new_notebook(cells=cells)


SLIDER = """\
import matplotlib.pyplot as plt
from jahp_lib.course import widgets
def draw(a):
    figure, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, a])
    return figure
print("before")
alt = "A rising line that ends at the slider's value."
widgets.explore(draw, alt, a=widgets.float_slider("a", 1.0, 0.0, 2.0, 0.1))
print("after")"""


def test_running_a_notebook_with_a_slider_twice_gives_the_same_file_with_the_figure_in_it(
    tmp_path: Path,
) -> None:
    """Would break if ids, times or widget state were stored, or if the figure hung on a live widget."""
    path = tmp_path / "03_slider.ipynb"
    nbformat.write(lesson(SLIDER), path)
    notebooks.execute(path, timeout=120)
    first = path.read_bytes()
    notebooks.execute(path, timeout=120)
    assert path.read_bytes() == first
    outputs = nbformat.read(path, as_version=4).cells[2].outputs
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert b"widget-view" not in first


def test_a_notebook_that_fails_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "03_fails.ipynb"
    nbformat.write(lesson("1 / 0"), path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        notebooks.execute(path, timeout=120)
    assert path.read_bytes() == before


def test_stamping_writes_the_repository_into_badge_and_set_up_and_can_be_undone() -> None:
    stamped = notebooks.stamp(lesson(), "03_gdn.ipynb", "someone/the-course")
    assert "github/someone/the-course/blob/main/notebooks/03_gdn.ipynb" in stamped.cells[0].source
    assert "https://github.com/someone/the-course" in stamped.cells[1].source
    again = notebooks.stamp(stamped, "03_gdn.ipynb", "other/place")
    assert "someone" not in again.cells[0].source + again.cells[1].source
    undone = notebooks.stamp(again, "03_gdn.ipynb", notebooks.UNSTAMPED_REPOSITORY)
    assert undone.cells[0].source == lesson().cells[0].source
    assert undone.cells[1].source == notebooks.SETUP


@pytest.mark.parametrize(
    "repository", ["", "owner", "owner/name/more", "https://example.org/owner/name", 'a/b"; rm']
)
def test_a_repository_that_is_not_owner_slash_name_is_refused(repository: str) -> None:
    with pytest.raises(ValueError, match="owner/name"):
        notebooks.stamp(lesson(), "03_gdn.ipynb", repository)


def test_stamping_a_problem_set_changes_its_address_and_not_a_letter_more() -> None:
    """Breaks if the set's cells were normalised: nbgrader knows them by their ids."""
    for path in sorted(
        (Path(notebooks.__file__).parents[2] / "notebooks" / "assignments" / "source").glob("*/*.ipynb")
    ):
        before = path.read_text(encoding="utf-8")
        stamped = notebooks.stamp_source(before, path.name, "someone/the-course")
        assert stamped.count("https://github.com/someone/the-course") == 1
        assert stamped.replace("someone/the-course", notebooks.UNSTAMPED_REPOSITORY) == before
    with pytest.raises(ValueError, match="has no set-up cell"):
        notebooks.stamp_source("{}", "ps1.ipynb", "owner/course")
    with pytest.raises(ValueError, match="must look like owner/name"):
        notebooks.stamp_source(before, "ps1.ipynb", "course")


def test_a_notebook_without_a_title_cannot_be_stamped() -> None:
    bare = lesson()
    bare.cells[0].source = "Another"
    with pytest.raises(ValueError, match="does not begin with a title"):
        notebooks.stamp(bare, "x.ipynb", "owner/course")


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/someone/the-course",
        "https://github.com/someone/the-course.git",
        "git@github.com:someone/the-course.git",
        "ssh://git@github.com/someone/the-course.git/",
    ],
)
def test_without_an_address_badges_take_that_of_the_git_remote(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", address], check=True)
    path = tmp_path / "03_gdn.ipynb"
    nbformat.write(lesson(), path)
    monkeypatch.setattr(sys, "argv", ["notebooks", "--badges=", str(path)])
    assert notebooks.main() == 0
    assert "github/someone/the-course/blob/main/" in nbformat.read(path, as_version=4).cells[0].source


@pytest.mark.parametrize("remote", [None, "https://example.org/someone/the-course.git"])
def test_without_any_address_badges_say_in_a_sentence_what_to_do_and_change_nothing(
    remote: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    if remote:
        subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", remote], check=True)
    path = tmp_path / "03_gdn.ipynb"
    nbformat.write(lesson(), path)
    before = path.read_bytes()
    monkeypatch.setattr(sys, "argv", ["notebooks", "--badges=", str(path)])
    assert notebooks.main() == 2
    assert "make badges REPO=owner/name" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_normalising_drops_progress_bars_and_joins_the_pieces_of_a_stream() -> None:
    notebook = lesson("print(1)")
    stream = nbformat.v4.new_output
    notebook.cells[2].outputs = [
        stream("stream", name="stdout", text="1\n"),
        stream("stream", name="stdout", text="2\n"),
        stream("stream", name="stderr", text="50%"),
        stream(
            "display_data",
            data={"text/plain": "training:   0%|          | 0/480", notebooks.WIDGET_VIEW: {"model_id": "a"}},
        ),
        stream("stream", name="stdout", text="3\n"),
    ]
    outputs = notebooks.normalise(notebook).cells[2].outputs
    assert [(output.name, output.text) for output in outputs] == [("stdout", "1\n2\n3\n")]


def test_a_slider_that_moves_by_itself_starts_where_it_stands_and_ends_where_it_ends() -> None:
    """Breaks if the buttons reset the slider, or run beyond it."""
    slider = widgets.int_slider("step", 30, 0, 61)
    play, shown = widgets.player(slider).children
    assert shown is slider
    assert (play.value, play.min, play.max, play.step) == (30, 0, 61, 1)
    assert slider.value == 30
