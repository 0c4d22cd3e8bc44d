"""Writes a copy of the repository that students may have: `make students REPO=owner/name`.

    python -m grading.students [--repository owner/name] [FOLDER]

The repository of the course contains every solution, and Colab's set-up cell clones a repository: so what is
published must be another one. This writes its files. What goes in is listed here, rather than what stays out;
only what git tracks is copied, without history; and at the end every file is searched for what must not be
in it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbgrader.apps import NbGraderAPI

from jahp_lib.course.notebooks import UNSTAMPED_REPOSITORY, check_repository, normalise, stamp, stamp_source

from .worker import settings

REPOSITORY = Path(__file__).resolve().parents[3]
PUBLISHED = (
    ".gitignore",
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "data",
    "environment.yml",
    "jahp_lib",
    "notebooks",
    "pyproject.toml",
)
ASSIGNMENTS = Path("notebooks", "assignments")  # solutions and tools; the released sets take its place
# commands of make that need what is not there
INSTRUCTORS = ("assignments", "badges", "bench", "grade", "lint", "peers", "students", "test")
MARKERS = ("BEGIN SOLUTION", "END SOLUTION", "HIDDEN TESTS", "MARK SCHEME")
SECRETS = {
    "solution": re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", flags=re.S),
    "hidden test": re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", flags=re.S),
    "rubric": re.compile(r"=== BEGIN MARK SCHEME ===\n(.*?)=== END MARK SCHEME ===", flags=re.S),
}
SETS_README = """\
# Problem sets

Each folder is one set: open its notebook in JupyterLab (`make lab`), or upload it to Colab. Write your code
in place of `raise NotImplementedError`; the tests below each task say in a sentence what is wrong. More tests
run when your work is graded. Hand in the notebook under the name it has, as JupyterLab saved it, with all its
cells.

"""
README_PART = (
    "**Problem sets**: [notebooks/assignments](notebooks/assignments/README.md). This is the students' copy "
    "of the course: it has neither the tests nor the instructor's commands that other sections may speak of."
)


def write_copy(folder: Path, repository: str = UNSTAMPED_REPOSITORY) -> None:
    """Write the students' copy to ``folder``, in place of an older one.

    Args:
        folder: a new or empty folder, or an older copy. Its ``.git`` stays, so that a clone can be renewed.
        repository: "owner/name", where the copy will be published: Colab's addresses lead there.

    Raises:
        ValueError: ``folder`` holds something else, ``repository`` is no name, or something that students
            must not see got into the copy, which is then removed.
    """
    check_repository(repository)
    _make_room(folder)
    try:
        _write(folder, repository)
    except BaseException:  # half a copy looks like a whole one
        _make_room(folder)
        raise


def _write(folder: Path, repository: str) -> None:
    for path in _tracked():
        if path.parts[0] in PUBLISHED and not path.is_relative_to(ASSIGNMENTS):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / path, folder / path)
    _release_sets(folder / ASSIGNMENTS, repository)
    _stamp_lessons(folder / "notebooks", repository)
    for name, change in {"Makefile": _students_makefile, "README.md": _students_readme}.items():
        text = change((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(text.replace(UNSTAMPED_REPOSITORY, repository), encoding="utf-8")
    leaks = found_secrets(folder)
    if leaks:
        raise ValueError("Nothing was written, because students would see this:\n  " + "\n  ".join(leaks))


def _make_room(folder: Path) -> None:
    there = [path for path in folder.iterdir() if path.name != ".git"] if folder.exists() else []
    if (folder / ASSIGNMENTS / "source").exists():
        raise ValueError(f"{folder} is the instructor's repository: give another folder.")
    if there and not (folder / "jahp_lib" / "__init__.py").exists():
        raise ValueError(f"{folder} holds something else: give a new folder, or an older students' copy.")
    for path in there:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    folder.mkdir(parents=True, exist_ok=True)


def _tracked() -> list[Path]:
    command = ["git", "ls-files", "-z"]
    try:
        listing = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise ValueError("git tells the course's files from others here: run this in a git clone.") from None
    return [Path(name) for name in listing.split("\0") if name and (REPOSITORY / name).is_file()]


def _release_sets(folder: Path, repository: str) -> None:
    """Generate the students' version of every set anew, without touching the gradebook and release/."""
    lines = []
    with tempfile.TemporaryDirectory() as temporary:
        course = Path(temporary)
        for path in _tracked():
            if path.is_relative_to(ASSIGNMENTS / "source"):
                (course / path.relative_to(ASSIGNMENTS)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / path, course / path.relative_to(ASSIGNMENTS))
        config = settings(course)
        config.GenerateAssignment.no_database = True
        config.SaveCells.enabled = False
        for notebook in sorted(course.glob("source/*/*.ipynb")):
            name = notebook.stem
            text = stamp_source(notebook.read_text(encoding="utf-8"), notebook.name, repository)
            notebook.write_text(text, encoding="utf-8")
            answer = NbGraderAPI(config=config).generate_assignment(name, force=True, create=True)
            if not answer["success"]:
                raise ValueError(
                    f"nbgrader cannot generate {name}:\n{answer.get('log') or answer.get('error')}"
                )
            shutil.copytree(course / "release" / name, folder / name)
            title = nbformat.reads(text, as_version=4).cells[0].source.partition("\n")[0].lstrip("# ")
            lines.append(f"* [{title}]({name}/{notebook.name})\n")
    (folder / "README.md").write_text(SETS_README + "".join(lines), encoding="utf-8")


def _stamp_lessons(folder: Path, repository: str) -> None:
    for path in sorted(folder.glob("*.ipynb")):
        notebook = stamp(normalise(nbformat.read(path, as_version=4)), path.name, repository)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def _students_makefile(text: str) -> str:
    for name in INSTRUCTORS:
        text = re.sub(rf"^{name}:.*\n(?:\t.*\n)*\n?", "", text, flags=re.M)
    [declared] = re.findall(r"^\.PHONY:.*$", text, flags=re.M)
    return text.replace(declared, " ".join(word for word in declared.split() if word not in INSTRUCTORS))


def _students_readme(text: str) -> str:
    return re.sub(r"^\*\*For instructors\*\*.*$", README_PART, text, flags=re.M)


def found_secrets(folder: Path) -> list[str]:
    """What students must not see and yet is in ``folder``: a line each, with the file."""
    secrets = _secrets()
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts):
        name, text = path.relative_to(folder), _text(path)
        bare = _bare(text)
        found += [f'{name} contains "{marker}".' for marker in MARKERS if marker in text]
        found += [f"{name} contains {what}." for what, secret in secrets.items() if secret in bare]
    return found


def _secrets() -> dict[str, str]:
    """What it is, and its bare text, of each solution, hidden test and rubric."""
    secrets = {}
    for path in sorted((REPOSITORY / ASSIGNMENTS / "source").glob("*/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for kind, pattern in SECRETS.items():
                for number, secret in enumerate(pattern.findall(cell.source)):
                    secrets[f"{kind} {number + 1} of cell {cell.id} in {path.name}"] = _bare(secret)
    return secrets


def _bare(text: str) -> str:
    return "".join(text.split())


def _text(path: Path) -> str:
    """A file as text; of a notebook, what its cells say."""
    raw = path.read_bytes().decode(errors="replace")
    if path.suffix != ".ipynb":
        return raw
    return "\n".join(cell.source for cell in nbformat.reads(raw, as_version=4).cells) + raw


def main() -> int:
    parser = argparse.ArgumentParser("make students", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=REPOSITORY / "build" / "students")
    parser.add_argument("--repository", default="", help="owner/name, where it will be published")
    arguments = parser.parse_args()
    try:
        write_copy(arguments.folder, arguments.repository or UNSTAMPED_REPOSITORY)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{arguments.folder} is ready to be published.")
    if not arguments.repository:
        print("Colab does not know its address: make students REPO=owner/name writes it in.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
