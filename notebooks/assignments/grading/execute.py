"""Runs a hand-in to its end in bounded time, whatever one of its cells does."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from nbgrader.preprocessors.execute import UnresponsiveKernelError
from traitlets import Integer

from .handins import NotGradableError

LEAST_SECONDS = (
    3  # that a cell may take when the time of the hand-in is nearly used up: a right one takes about 1
)
PATIENCE = 3  # seconds in which an interrupted kernel must answer, or it is replaced
MOST_TEXT = 100_000  # characters of printed text that are kept from a cell

# Runs in each new kernel before anything else. Two accidents of students break not their answer but the
# kernel, which then no longer replies: `sys.stdout = None`, and `exit()`. Standard output is put back after
# each cell, and before a traceback is printed. `exit()` ends the cell and not Python; what the cell defined
# before stays.
PREPARATION = """
def _prepare():
    import sys
    shell, out, err = get_ipython(), sys.stdout, sys.stderr
    out.close = err.close = lambda: None
    show = shell._showtraceback
    def put_back():
        sys.stdout, sys.stderr = out, err
    def show_traceback(*arguments, **keywords):
        put_back()
        return show(*arguments, **keywords)
    def stay():
        raise SystemExit("exit() ends this cell here, and not Python.")
    shell._showtraceback = show_traceback
    shell.events.register("post_execute", put_back)
    shell.ask_exit = stay
_prepare()
del _prepare
"""


class PatientExecute(Execute):
    """nbgrader's executor, for code that was written by students.

    * A cell that runs too long is interrupted, and one that ends Python gets a new Python. Each gets one
      message in words, and what other cells answer keeps its points.
    * A hand-in has ``hand_in_seconds`` for all its cells together, apart from the set-up cells. Each cell
      may take
      ``timeout`` seconds, until so little is left that the cells to come need it: then it may take a few.
    * What a cell writes to stderr, such as a progress bar or a warning, costs no points.
    * If a set-up cell fails, no mark would mean anything: `NotGradableError`.
    """

    hand_in_seconds = Integer(120, help="Seconds for all cells of a hand-in together.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, km: Any = None
    ) -> tuple[NotebookNode, dict[str, Any]]:
        self.shutdown_kernel = "immediate"
        self._fine: list[NotebookNode] = []  # what a new kernel must be given
        self._used = 0.0
        self._to_come = sum(_runs(cell) and not _is_set_up(cell) for cell in nb.cells)
        return super().preprocess(nb, resources, km)

    @contextmanager
    def setup_kernel(self, **keywords: Any) -> Iterator[None]:
        with super().setup_kernel(**keywords):
            self._finishes(PREPARATION, 60)
            yield

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        if not _runs(cell):
            return cell, resources
        began = time.monotonic()
        set_up = _is_set_up(cell)
        self._to_come -= not set_up
        trouble = self._run(cell, resources, index)
        if trouble:
            name, message = trouble
            cell.outputs = [new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])]
        for output in cell.outputs:
            if output.output_type == "stream":
                output.name = "stdout"
        if set_up:
            _insist(cell)
        elif trouble and not self._finishes("", PATIENCE):
            self._start_again()
        if not trouble and not _is_test(cell):
            self._fine.append(cell)
        if not set_up:
            self._used += time.monotonic() - began
        return cell, resources

    def _run(self, cell: NotebookNode, resources: dict[str, Any], index: int) -> tuple[str, str] | None:
        """Run a cell; what went wrong, other than the errors that Python has already put into its outputs."""
        try:
            super().preprocess_cell(cell, resources, index)
        except (DeadKernelError, UnresponsiveKernelError):
            return "KernelEnded", (
                "This cell ended Python itself, or took more memory than there is. "
                "The cells after it were run without it."
            )
        except CellTimeoutError:
            return self._too_long(cell)
        if any(
            output.output_type == "error" and output.ename == "CellTimeoutError" for output in cell.outputs
        ):
            return self._too_long(cell)
        return None

    def _get_timeout(self, cell: NotebookNode | None) -> int:
        """Ten times as long for the set-up cells: on a busy machine, importing torch can take a minute."""
        if cell is None or _is_set_up(cell):
            return self.timeout * 10
        left = self.hand_in_seconds - self._used - LEAST_SECONDS * self._to_come
        return max(LEAST_SECONDS, min(self.timeout, math.floor(left)))

    def _too_long(self, cell: NotebookNode) -> tuple[str, str]:
        return (
            "CellTimeoutError",
            f"This cell ran longer than {self._get_timeout(cell)} seconds and was stopped. "
            "Does a loop never end, here or in the function that is tested?",
        )

    def process_message(
        self, msg: dict[str, Any], cell: NotebookNode, cell_index: int
    ) -> NotebookNode | None:
        """Keep the beginning of what a cell prints: an endless loop prints gigabytes."""
        if msg["msg_type"] == "stream":
            printed = sum(len(output.text) for output in cell.outputs if output.output_type == "stream")
            msg["content"]["text"] = msg["content"]["text"][: max(0, MOST_TEXT - printed)]
            if not msg["content"]["text"]:
                return None
        return super().process_message(msg, cell, cell_index)

    def _start_again(self) -> None:
        """A new kernel in which the cells that were fine have run; one that is not fine now is left out."""
        while True:
            self._cleanup_kernel()
            self.km = self.create_kernel_manager()
            self.start_new_kernel()
            self.start_new_kernel_client()
            self._finishes(PREPARATION, 60)
            failed = next(
                (cell for cell in self._fine if not self._finishes(cell.source, self._get_timeout(cell))),
                None,
            )
            if failed is None:
                return
            self._fine.remove(failed)

    def _finishes(self, source: str, seconds: float) -> bool:
        """Whether the kernel runs this to its end, with or without an error, and lives on."""
        assert self.kc is not None
        try:
            request = self.kc.execute(
                source, silent=True, store_history=False, allow_stdin=False, stop_on_error=False
            )
            ends = time.monotonic() + seconds
            while time.monotonic() < ends:
                if not run_sync(self.kc.is_alive)():
                    return False
                try:
                    reply = run_sync(self.kc.get_shell_msg)(timeout=1)
                except Empty:
                    continue
                if reply["parent_header"].get("msg_id") == request:
                    return True
        except RuntimeError:  # a channel that is closed
            pass
        return False


def _about(cell: NotebookNode) -> dict[str, Any]:
    return cell.metadata.get("nbgrader", {})


def _runs(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _is_set_up(cell: NotebookNode) -> bool:
    return bool(_about(cell).get("locked")) and not _about(cell).get("grade")


def _is_test(cell: NotebookNode) -> bool:
    return bool(_about(cell).get("grade")) and not _about(cell).get("solution")


def _insist(cell: NotebookNode) -> None:
    """Raise `NotGradableError` if a set-up cell failed."""
    for output in cell.outputs:
        if output.output_type == "error":
            raise NotGradableError(
                f"The set's cell {_about(cell).get('grade_id')} failed ({output.ename}: {output.evalue}). "
                "If it does so for everybody, the course is not installed in this environment; "
                "else a cell that the student put before it is the reason."
            )
