"""`make students`: what is written can be published, and holds all that students need."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENTS = ROOT / "notebooks" / "assignments"
sys.path.insert(0, str(ASSIGNMENTS))

from grading import students  # noqa: E402

SETS = sorted(path.name for path in (ASSIGNMENTS / "source").iterdir() if path.is_dir())
SECRET = re.compile(
    r"BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)[ =]*\n(.*?)#* *(?:=+ )?END \1", flags=re.S
)  # of a cell's text


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("students") / "copy"
    students.write_copy(folder, "someone/learned-codec")
    return folder


def squeezed(text: str) -> str:
    """Without spaces and line ends, which JSON writes in its own way."""
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def texts(copy: Path) -> dict[str, str]:
    """Each file as squeezed text; of a notebook, its cells."""
    found = {}
    for path in copy.rglob("*"):
        if path.is_file() and path.suffix == ".ipynb":
            cells = json.loads(path.read_text())["cells"]
            found[str(path.relative_to(copy))] = squeezed(
                "\n".join("".join(cell["source"]) for cell in cells)
            )
        elif path.is_file():
            found[str(path.relative_to(copy))] = squeezed(path.read_bytes().decode(errors="replace"))
    return found


@pytest.mark.parametrize("name", SETS)
def test_no_solution_hidden_test_or_rubric_is_in_it(texts: dict[str, str], name: str) -> None:
    cells = nbformat.read(ASSIGNMENTS / "source" / name / f"{name}.ipynb", as_version=4).cells
    secrets = [squeezed(found[2]) for cell in cells for found in SECRET.finditer(cell.source)]
    assert len(secrets) >= 10
    for path, text in texts.items():
        for secret in secrets:
            assert secret not in text, f"{path} contains {secret[:60]}"


def test_no_marker_and_no_answer_of_the_tests_is_in_it(texts: dict[str, str]) -> None:
    answers = list((ROOT / "tests" / "assignments").glob("ps*/*/*.py"))
    assert len(answers) > 100
    answered = {answer: squeezed(answer.read_text()) for answer in answers}
    for path, text in texts.items():
        for marker in ("BEGINSOLUTION", "HIDDENTESTS", "MARKSCHEME"):
            assert marker not in text, f"{path} contains {marker}"
        for answer, its_text in answered.items():
            assert its_text not in text, f"{path} contains {answer}"
    names = {Path(path).name for path in texts}
    assert not names & {
        path.name for path in (ROOT / "tests" / "assignments").rglob("*.py") if "conftest" not in path.name
    }


def test_there_is_no_history_and_nothing_of_the_instructors(copy: Path) -> None:
    assert not (copy / ".git").exists()
    assert not (copy / "tests").exists()
    assert {path.name for path in (copy / "notebooks" / "assignments").iterdir()} == {*SETS, "README.md"}


def test_lessons_library_data_and_sets_are_there(copy: Path) -> None:
    listing = subprocess.run(
        ["git", "ls-files", "jahp_lib", "data", ":(glob)notebooks/*.ipynb"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    missing = [name for name in listing if name and (ROOT / name).exists() and not (copy / name).exists()]
    assert not missing
    for name in SETS:
        notebook = (copy / "notebooks" / "assignments" / name / f"{name}.ipynb").read_text()
        assert "This task is not answered yet" in notebook


def test_colab_is_led_to_the_students_copy(copy: Path) -> None:
    """In every lesson (badge and set-up cell) and in every set; nowhere to another place."""
    notebooks = list((copy / "notebooks").rglob("*.ipynb"))
    assert len(notebooks) > len(SETS) + 9
    for path in notebooks:
        text = path.read_text()
        assert "https://github.com/someone/learned-codec" in text, path
        assert "owner/name" not in text, path
        if path.parent.name == "notebooks":
            assert (
                f"colab.research.google.com/github/someone/learned-codec/blob/main/notebooks/{path.name}"
                in text
            )


def test_its_makefile_offers_what_works_there(copy: Path) -> None:
    run = subprocess.run(
        ["make", "--no-print-directory"], cwd=copy, capture_output=True, text=True, check=True
    )
    listed = set(re.findall(r"^make ([a-z]+) +\S", run.stdout, flags=re.M))
    declared = set(re.search(r"^\.PHONY: (.*)$", (copy / "Makefile").read_text(), flags=re.M)[1].split())
    assert listed == declared
    assert {"lab", "demo"} <= listed
    assert not {"grade", "students", "assignments", "test"} & listed


def test_links_of_its_readmes_lead_to_files(copy: Path) -> None:
    """But for links that lead nowhere in the repository itself, which is another test's matter."""
    for readme in copy.rglob("README.md"):
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", readme.read_text()):
            here = readme.parent / target
            if (ROOT / here.relative_to(copy)).exists():
                assert here.exists(), f"{readme.relative_to(copy)} links to {target}"


def test_a_leak_is_found_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def with_solutions(folder: Path, repository: str) -> None:
        shutil.copytree(ASSIGNMENTS / "source" / SETS[0], folder / SETS[0])

    monkeypatch.setattr(students, "_release_sets", with_solutions)
    with pytest.raises(ValueError, match="students would see this") as error:
        students.write_copy(tmp_path / "copy")
    assert f"{SETS[0]}.ipynb contains solution 1" in str(error.value)
    assert not list((tmp_path / "copy").iterdir())


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(ValueError, match="holds something else"):
        students.write_copy(tmp_path)
    with pytest.raises(ValueError, match="instructor's repository"):
        students.write_copy(ROOT)
    with pytest.raises(ValueError, match="owner/name"):
        students.write_copy(tmp_path / "new", "nonsense")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_an_older_copy_is_renewed_and_its_own_history_stays(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a clone of the students' repository can be written anew, committed and pushed."""
    monkeypatch.setattr(students, "_release_sets", lambda folder, repository: folder.mkdir(parents=True))
    (copy / ".git").mkdir()
    (copy / ".git" / "HEAD").write_text("ref: refs/heads/main")
    (copy / "old.txt").write_text("from last year")
    students.write_copy(copy, "someone/learned-codec")
    assert (copy / ".git" / "HEAD").exists()
    assert not (copy / "old.txt").exists()
    assert (copy / "jahp_lib" / "__init__.py").exists()
