"""Grades what lies in submitted/, many hand-ins at a time: `make grade SET=ps1`.

    python -m grading.grade ps1 [--jobs 8] [--again] [STUDENT ...]

Students' code runs in worker processes, one for each hand-in, that know nothing of marks: from a notebook
they make the same notebook with outputs. This process alone writes the gradebook. For each hand-in that has
been run it calls nbgrader's own autograder, with the step that would run the notebook replaced by one that
takes these outputs. So whatever nbgrader does besides (late penalties, marks by hand, feedback, formgrader,
export) it does as ever, no two processes write into one SQLite file, and no student's code comes near it.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing import connection, get_all_start_methods, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy.exc import SAWarning
from tqdm import tqdm
from traitlets import Unicode
from traitlets.config import Config

from . import sandbox
from .execute import PatientExecute
from .handins import NotGradableError, handed_in_notebook, misplaced
from .worker import Job, hidden, run, settings


class TakeOutputs(NbGraderPreprocessor):
    """In place of running a notebook: take the outputs of the one that a worker has run."""

    executed = Unicode(help="The notebook with outputs.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        done = nbformat.read(self.executed, as_version=4)
        if [cell.source for cell in nb.cells] != [cell.source for cell in done.cells]:
            raise NotGradableError("The hand-in was changed while it was being graded: grade it again.")
        for cell, with_outputs in zip(nb.cells, done.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = with_outputs.outputs, with_outputs.execution_count
        return nb, resources


@dataclass
class Summary:
    """What became of the hand-ins of a set."""

    graded: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    not_graded: dict[str, str] = field(default_factory=dict)  # student to reason
    remarks: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """The summary as it is printed."""
        lines = [f"{name}: {len(self.graded)} graded"]
        if self.unchanged:
            lines[0] += f", {len(self.unchanged)} graded before and unchanged"
        lines[0] += f", {len(self.not_graded)} could not be graded."
        lines += [f"  {student}: {reason}" for student, reason in sorted(self.not_graded.items())]
        if self.remarks:
            lines.append("Graded, but look at these:")
            lines += [
                f"  {student}: {' '.join(remarks)}" for student, remarks in sorted(self.remarks.items())
            ]
        return "\n".join(lines)


class Grader:
    """Grades the set ``name`` of the course directory ``course``."""

    def __init__(
        self, name: str, course: Path, *, hand_in_seconds: int = 120, memory: int = 4 << 30, way: str = "auto"
    ) -> None:
        self.name, self.course = name, course.resolve()
        self.hand_in_seconds, self.memory = hand_in_seconds, memory
        self.records = self.course / "records" / name
        self.config = settings(self.course)
        # nbgrader calls alembic, which lies beside Python.
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        if not (self.course / "source" / name / f"{name}.ipynb").exists():
            sets = ", ".join(
                sorted(path.name for path in (self.course / "source").glob("*") if path.is_dir())
            )
            raise ValueError(f'There is no set "{name}". There are: {sets}.')
        self.way = sandbox.available(hidden(self.course)) if way == "auto" else way

    def prepare(self) -> None:
        """Tell the gradebook about the set, if it does not know it as it now is; also generates release/."""
        known = self.records / "set.json"
        current = json.dumps(_fingerprint(self.course / "source" / self.name))
        api = NbGraderAPI(config=self.config)
        if known.exists() and known.read_text() == current and self._in_gradebook(api):
            return
        answer = api.generate_assignment(self.name, create=True, force=True)
        if not answer["success"]:
            raise ValueError(f"nbgrader cannot generate {self.name}: {_last_line(answer)}")
        self.records.mkdir(parents=True, exist_ok=True)
        known.write_text(current)

    def _in_gradebook(self, api: NbGraderAPI) -> bool:
        with api.gradebook as book:
            return self.name in [assignment.name for assignment in book.assignments]

    def grade(self, students: list[str], jobs: int, again: bool) -> Summary:
        """Grade what is new or changed, of everybody or of some ``students``, ``jobs`` hand-ins at a time."""
        summary, waiting = Summary(), []
        if not students:
            summary.not_graded.update(misplaced(self.course / "submitted", self.name))
        for student in students or self._handed_in():
            folder = self.course / "submitted" / student / self.name
            try:
                if not folder.is_dir():
                    raise NotGradableError(f"There is no folder submitted/{student}/{self.name}.")
                handed_in_notebook(folder, self.name)
            except NotGradableError as error:
                summary.not_graded[student] = str(error)
                self._record(student, reason=str(error))
                continue
            record = self._read_record(student)
            if not again and record.get("fingerprint") == self._mark(student) and self._has_grades(student):
                summary.unchanged.append(student)
                if record["remarks"]:
                    summary.remarks[student] = record["remarks"]
            else:
                waiting.append(student)
        with tempfile.TemporaryDirectory(dir=self.records, prefix="run-") as temporary:
            copy = Path(temporary) / "gradebook.db"
            shutil.copy(self.course / "gradebook.db", copy)
            queue = [self._job(student, Path(temporary), copy) for student in waiting]
            for job, failure in tqdm(
                _all_run(queue, jobs), total=len(queue), unit="hand-in", disable=not queue
            ):
                self._enter(job, failure, summary)
        return summary

    def _handed_in(self) -> list[str]:
        return sorted(
            path.parent.name for path in self.course.glob(f"submitted/*/{self.name}") if path.is_dir()
        )

    def _job(self, student: str, folder: Path, gradebook: Path) -> Job:
        return Job(
            student,
            self.name,
            self.course,
            gradebook,
            result=folder / student,
            own=Path(),  # made when its turn comes
            hand_in_seconds=self.hand_in_seconds,
            memory=self.memory,
            sandbox=self.way,
        )

    def _enter(self, job: Job, reason: str | None, summary: Summary) -> None:
        """Enter what a worker found out: into the gradebook, or into the list of what could not be graded."""
        remarks: list[str] = []
        mark = self._mark(job.student)
        if reason is None:
            answer = json.loads((job.result / "result.json").read_text())
            reason, remarks = answer.get("reason"), answer.get("remarks", [])
        if reason is None:
            reason = self._autograde(job)
        if reason is None:
            summary.graded.append(job.student)
            self._record(job.student, fingerprint=mark, remarks=remarks)
            if remarks:
                summary.remarks[job.student] = remarks
        else:
            summary.not_graded[job.student] = reason
            self._record(job.student, reason=reason)
        shutil.rmtree(job.result, ignore_errors=True)

    def _autograde(self, job: Job) -> str | None:
        """nbgrader's autograder with the outputs that are there already; the error it met, if any."""
        config = Config(self.config)
        config.Autograde.autograde_preprocessors = [
            TakeOutputs if step is PatientExecute else step
            for step in self.config.Autograde.autograde_preprocessors
        ]
        config.TakeOutputs.executed = str(job.result / f"{self.name}.ipynb")
        answer = NbGraderAPI(config=config).autograde(self.name, job.student, force=True, create=True)
        return None if answer["success"] else _last_line(answer)

    def _mark(self, student: str) -> str:
        """Changes when the hand-in or the set does."""
        return _fingerprint(
            self.course / "submitted" / student / self.name, self.course / "source" / self.name
        )

    def _has_grades(self, student: str) -> bool:
        if not (self.course / "autograded" / student / self.name / f"{self.name}.ipynb").exists():
            return False
        with NbGraderAPI(config=self.config).gradebook as book:
            try:
                book.find_submission(self.name, student)
            except MissingEntry:
                return False
        return True

    def _read_record(self, student: str) -> dict[str, Any]:
        path = self.records / f"{student}.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def _record(self, student: str, **what: Any) -> None:
        path = self.records / f"{student}.json"
        path.with_suffix(".part").write_text(json.dumps(what))
        path.with_suffix(".part").replace(path)

    def write_list(self, summary: Summary) -> Path:
        """not_graded_SET.csv: who could not be graded, and why."""
        path = self.course / f"not_graded_{self.name}.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["student_id", "reason"])
            writer.writerows(sorted(summary.not_graded.items()))
        return path


def _all_run(queue: list[Job], jobs: int) -> Iterator[tuple[Job, str | None]]:
    """Run each job in a process, some at a time; yields each job, and why its process was no good, if so."""
    # A server that has loaded nbgrader forks the workers: no imports for each, and no threads to inherit.
    context: Any = get_context("forkserver" if "forkserver" in get_all_start_methods() else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(["grading.worker"])
    waiting, running = list(reversed(queue)), dict[BaseProcess, tuple[Job, float]]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                job = replace(waiting.pop(), own=Path(tempfile.mkdtemp(prefix="jahp-")))
                process = context.Process(target=run, args=(job,))
                process.start()
                running[process] = (job, time.monotonic() + job.limit)
            connection.wait([process.sentinel for process in running], timeout=1)
            for process, (job, ends) in list(running.items()):
                if not process.is_alive():
                    del running[process]
                    process.join()
                    shutil.rmtree(job.own, ignore_errors=True)
                    yield job, _how_it_ended(job, process.exitcode)
                elif time.monotonic() > ends:
                    process.kill()
    finally:
        for process, (job, _) in running.items():
            process.kill()
            process.join()
            shutil.rmtree(job.own, ignore_errors=True)


def _how_it_ended(job: Job, code: int | None) -> str | None:
    if (job.result / "result.json").exists():
        return None
    if code is not None and code < 0:
        return (
            f"The process that ran it was ended by {signal.Signals(-code).name}, after {job.limit} seconds "
            "or because memory ran out: see what its cells do."
        )
    return f"The process that ran it ended with code {code} and no result: grade it again, alone."


def _fingerprint(*folders: Path) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _last_line(answer: dict[str, Any]) -> str:
    text = (answer.get("error") or answer.get("log") or "").strip()
    return text.rpartition("\n")[2] or "nbgrader gave no reason."


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make grade", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("set", help="ps1, for example")
    parser.add_argument("students", nargs="*", help="only these")
    parser.add_argument(
        "--course", type=Path, default=Path(__file__).resolve().parents[1], help="the course directory"
    )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    parser.add_argument(
        "--jobs", type=int, default=cores, help="hand-ins at a time (default: one for each core)"
    )
    parser.add_argument(
        "--seconds", type=int, default=120, help="for a hand-in, beside its set-up (default: 120)"
    )
    parser.add_argument("--memory", type=float, default=4, help="GiB for a hand-in (default: 4)")
    parser.add_argument("--sandbox", choices=("auto", *sandbox.WAYS), default="auto")
    parser.add_argument("--again", action="store_true", help="grade also what is graded and unchanged")
    return parser.parse_intermixed_args()  # students may stand after options


def main() -> int:
    arguments = _arguments()
    warnings.filterwarnings("ignore", category=SAWarning)  # nbgrader's own business with its database
    try:
        grader = Grader(
            arguments.set,
            arguments.course,
            hand_in_seconds=arguments.seconds,
            memory=int(arguments.memory * (1 << 30)),
            way=arguments.sandbox,
        )
        if grader.way in sandbox.LACKING:
            print(f"Warning: {sandbox.LACKING[grader.way]}", file=sys.stderr)
        grader.prepare()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        summary = grader.grade(arguments.students, max(1, arguments.jobs), arguments.again)
    except KeyboardInterrupt:
        print(
            "Stopped. What is graded stays graded; the same command goes on with the rest.", file=sys.stderr
        )
        return 130
    print(summary.text(arguments.set))
    if summary.not_graded:
        print(f"This list is also in {grader.write_list(summary)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
