"""Run notebooks and store them with their outputs, so that running them again gives the same file.

    python -m jahp_lib.course.notebooks notebooks/03_gdn.ipynb ...
    python -m jahp_lib.course.notebooks --badges=owner/name notebooks/*.ipynb    # writes badges, runs nothing

The stock client stalls now and then on cells that make an ``Output`` widget (nbclient issue 312); lessons
need no widget state to be stored, so this one answers no widget at all.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from jahp_lib.photos.whole_files import write_whole

DESCRIPTION = "Run notebooks and store them with their outputs."
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"

# Where the address is known, this stands below a lesson's title; ``stamp`` writes it. Where it is not,
# nothing does.
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/main/notebooks/{name})"
)
# The set-up cell of every lesson. Colab's own torch, numpy and ipywidgets satisfy the course's ranges and
# stay as they are. IPython shows what ``_render_traceback_`` returns in place of a traceback: a lesson that
# is not published says so in a sentence.
SETUP = """\
# In Colab, this installs the course. Elsewhere it does nothing.
import os, subprocess, sys
if "google.colab" in sys.modules:
    address = os.environ.get("JAHP_ADDRESS", "https://github.com/owner/name")
    fetch = ["git", "clone", "--quiet", "--depth", "1", address, "/content/course"]
    if not os.path.isdir("/content/course"):
        if subprocess.run(fetch, env=os.environ | {"GIT_TERMINAL_PROMPT": "0"}, stderr=subprocess.DEVNULL).returncode:
            class NotFetched(Exception):
                _render_traceback_ = lambda self: [str(self)]
            raise NotFetched(f"The course is not to be had from {address}. Write its address there, and run this cell again.")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-e", "/content/course"], check=True)
    sys.path.insert(0, "/content/course")"""
UNSTAMPED_REPOSITORY = "owner/name"


class Client(NotebookClient):
    """nbclient without widgets."""

    def on_comm_open_jupyter_widget(self, msg: dict) -> None:
        return None


def normalise(notebook: NotebookNode) -> NotebookNode:
    """Drop from a notebook what changes from run to run or from machine to machine; changed in place and
    returned.

    Gone are times, widget state and views, and details of the interpreter. Cell ids become ``cell-00``,
    ``cell-01``, ...; consecutive pieces of one stream become one.
    """
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index:02d}"
        cell.metadata = nbformat.from_dict(
            {"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {}
        )
        cell.source = cell.source.rstrip()
        if cell.cell_type != "code":
            cell.pop("attachments", None)
            continue
        kept = [
            output for output in cell.outputs if not _is_progress_bar(output)
        ]  # first: what stood on both sides of a bar is joined
        cell.outputs = [_without_views(output) for output in _joined_streams(kept)]
    return notebook


def _is_progress_bar(output: NotebookNode) -> bool:
    """Whether an output is a bar of tqdm: text on stderr, or a widget.

    A stored file would keep for ever how such a widget began ("training:   0%|   | 0/480").
    """
    if output.output_type == "stream" and output.name == "stderr":
        return True
    data = output.get("data", {})
    return WIDGET_VIEW in data and "%|" in data.get("text/plain", "")


def _without_views(output: NotebookNode) -> NotebookNode:
    if "data" in output:
        output.data.pop(WIDGET_VIEW, None)
    output.get("metadata", {}).pop(WIDGET_VIEW, None)
    return output


def _joined_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    joined: list[NotebookNode] = []
    for output in outputs:
        if (
            output.output_type == "stream"
            and joined
            and joined[-1].output_type == "stream"
            and joined[-1].name == output.name
        ):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def check_repository(repository: str) -> None:
    """Refuse what is not of the form owner/name with a ``ValueError``."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"REPO must look like owner/name, not {repository!r}.")


def stamp_source(text: str, name: str, repository: str) -> str:
    """The file of a problem set with ``repository`` in its set-up cell; all else stays, nbgrader's own ids
    too.

    Raises:
        ValueError: ``repository`` is not of the form owner/name, or the file has no set-up cell.
    """
    check_repository(repository)
    stamped, found = re.subn(r'(?<=\\"https://github\.com/)[\w.-]+/[\w.-]+(?=\\"\))', repository, text)
    if not found:
        raise ValueError(f"{name} has no set-up cell.")
    return stamped


def stamp(notebook: NotebookNode, name: str, repository: str) -> NotebookNode:
    """Point a lesson's badge and its set-up cell to ``repository`` ("owner/name"); changed in place and
    returned.

    ``UNSTAMPED_REPOSITORY`` takes the badge away again.

    Raises:
        ValueError: ``repository`` is not of the form owner/name, or the notebook has no title or no set-up
            cell.
    """
    check_repository(repository)
    title, _, rest = notebook.cells[0].source.partition("\n\n")
    if not title.startswith("# "):
        raise ValueError(f"{name} does not begin with a title.")
    rest = re.sub(r"\A\[!\[Open in Colab.*\n+", "", rest)
    badge = [] if repository == UNSTAMPED_REPOSITORY else [BADGE.format(repository=repository, name=name)]
    notebook.cells[0].source = "\n\n".join([title, *badge, rest])
    pattern = r'(?<="https://github\.com/)[\w.-]+/[\w.-]+(?="\))'
    setups = [cell for cell in notebook.cells if cell.cell_type == "code" and re.search(pattern, cell.source)]
    if not setups:
        raise ValueError(f"{name} has no set-up cell.")
    for cell in setups:
        cell.source = re.sub(pattern, repository, cell.source)
    return notebook


def published_at(folder: Path) -> str:
    """The "owner/name" on GitHub of the git remote ``origin`` of ``folder``.

    Raises:
        ValueError: there is no such remote, or it is not on GitHub.
    """
    command = ["git", "-C", str(folder), "remote", "get-url", "origin"]
    try:
        address = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        address = ""
    found = re.search(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?\Z", address)
    if not found:
        raise ValueError(
            "Where the course is published is not known: git has no remote `origin` on GitHub. "
            "Say it: make badges REPO=owner/name"
        )
    return found[1]


def execute(path: Path, timeout: int = 600) -> float:
    """Run a notebook from its own folder and store it, normalised; returns the seconds it took.

    Raises:
        CellExecutionError: a cell failed; the file is left as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    client = Client(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
    )
    started = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - started
    write_whole(path, (nbformat.writes(normalise(notebook)) + "\n").encode())
    return seconds


def write_badges(paths: Sequence[Path], repository: str) -> None:
    """Write ``repository`` into lessons and problem sets, without running them.

    Raises:
        ValueError: see ``stamp``.
    """
    for path in paths:
        if path.parts[-3:-2] == ("source",):  # a problem set: nbgrader's own ids stay
            text = stamp_source(path.read_text(encoding="utf-8"), path.name, repository)
        else:
            text = (
                nbformat.writes(stamp(normalise(nbformat.read(path, as_version=4)), path.name, repository))
                + "\n"
            )
        write_whole(path, text.encode())


def main() -> int:
    parser = argparse.ArgumentParser("python -m jahp_lib.course.notebooks", description=DESCRIPTION)
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument(
        "--badges",
        metavar="OWNER/NAME",
        help="do not run, only write in where the course is published; empty: as the git remote says",
    )
    arguments = parser.parse_args()
    if arguments.badges is not None:
        try:
            repository = arguments.badges or published_at(arguments.notebooks[0].parent)
            write_badges(arguments.notebooks, repository)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{len(arguments.notebooks)} notebooks now say {repository}.")
        return 0
    for path in arguments.notebooks:
        try:
            print(f"{path}: {execute(path):.0f} s", flush=True)
        except CellExecutionError as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
