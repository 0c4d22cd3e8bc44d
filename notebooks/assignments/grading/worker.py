"""Runs one hand-in, in a process of its own with limited time and memory."""

from __future__ import annotations

import json
import os
import shutil
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import nbformat
from traitlets.config import Config, PyFileConfigLoader

from .execute import PatientExecute
from .handins import NotGradableError, handed_in_notebook, read_notebook
from .sandbox import SandboxedKernelManager, prefix

SET_UP_SECONDS = 300  # for imports on a busy machine, beyond the time of the hand-in's own cells
LARGEST_FILE = 256 << 20  # bytes that a hand-in may write into one file


@dataclass(frozen=True)
class Job:
    """A hand-in to run, and what it may use."""

    student: str
    name: str
    course: Path  # the course directory
    gradebook: Path  # a copy, only read
    result: Path  # the folder for result.json and the notebook with its outputs
    own: Path  # the folder that the student's code runs in
    hand_in_seconds: int
    memory: int  # bytes
    sandbox: str

    @property
    def limit(self) -> int:
        """Seconds after which the process is ended from outside, if nothing inside has worked."""
        return 2 * self.hand_in_seconds + SET_UP_SECONDS


class SandboxedExecute(PatientExecute):
    """`PatientExecute` with each kernel behind a sandbox's command and in a folder of its own."""

    before: list[str]
    own: str

    def create_kernel_manager(self) -> SandboxedKernelManager:
        self.km = SandboxedKernelManager(
            before=self.before, own=self.own, kernel_name="python3", config=self.config
        )
        return self.km


def settings(course: Path) -> Config:
    """nbgrader's settings of this course, for the course directory ``course``."""
    config = PyFileConfigLoader(
        "nbgrader_config.py", path=str(Path(__file__).resolve().parents[1])
    ).load_config()
    config.CourseDirectory.root = str(course)
    return config


def run(job: Job) -> None:
    """The process: leaves ``result.json`` with ``remarks``, or the ``reason`` why it could not be graded."""
    job.result.mkdir(parents=True)
    log = os.open(job.result / "log", os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(log, stream)
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.alarm(job.limit - 30)
    limit_memory(job.memory)
    try:
        answer: dict[str, Any] = {"remarks": _execute(job)}
    except NotGradableError as error:
        answer = {"reason": str(error)}
    except Exception as error:
        traceback.print_exc()
        answer = {"reason": f"The grader itself stopped with {type(error).__name__}: {error}"}
    signal.alarm(0)
    (job.result / "result.json").write_text(json.dumps(answer))


def limit_memory(size: int) -> None:
    """Limit what this process and those that it starts may allocate and write, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    # Data, not address space: torch maps far more than it uses.
    for limit, value in (
        (resource.RLIMIT_DATA, size),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        most = resource.getrlimit(limit)[1]
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (value, most))


def _time_is_up(*_: object) -> NoReturn:
    raise NotGradableError(
        "It took far longer than a hand-in may, in spite of all limits: see what its cells do."
    )


def _execute(job: Job) -> list[str]:
    """Put the hand-in in order, run it, store it with its outputs; what a person should look at."""
    config = settings(job.course)
    config.PatientExecute.hand_in_seconds = job.hand_in_seconds
    os.chdir(job.course)
    notebook = read_notebook(handed_in_notebook(Path("submitted", job.student, job.name), job.name))
    about = {
        "student": job.student,
        "assignment": job.name,
        "notebook": job.name,
        "db_url": f"sqlite:///{job.gradebook}",
    }
    resources: dict[str, Any] = {"nbgrader": about, "metadata": {"path": str(job.own / "work")}}
    for step in config.Autograde.sanitize_preprocessors:
        notebook, resources = step(config=config).preprocess(notebook, resources)
    remarks = notebook.metadata.get("remarks", [])
    for owner in (f"submitted/{job.student}", "source"):  # of two files with one name, the course's counts
        shutil.copytree(Path(owner, job.name), job.own / "work", ignore=_notebooks, dirs_exist_ok=True)
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    execute = SandboxedExecute(config=config)
    execute.before, execute.own = prefix(job.sandbox, job.own, hidden(job.course)), str(job.own)
    notebook, _ = execute.preprocess(notebook, resources)
    nbformat.write(notebook, job.result / f"{job.name}.ipynb")
    return list(remarks)


def _notebooks(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith((".ipynb", ".ipynb_checkpoints"))]


def hidden(course: Path) -> list[Path]:
    """What students' code must not see: other hand-ins, marks, solutions, and the answers in the tests."""
    repository = Path(__file__).resolve().parents[3]
    return [course, repository / "notebooks" / "assignments", repository / "tests" / "assignments"]
