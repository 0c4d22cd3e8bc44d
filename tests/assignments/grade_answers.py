"""Grades many answers to the tasks of one problem set, each in a process of its own.

    python grade_answers.py NOTEBOOK < jobs.json > results.json

A job is [task, code]; its result is {test cell: message, or null if the cell passed}. The set-up cells run
once; then every job is a fork of that process, which runs the answer and the test cells of its task, and
nothing else. So no answer sees what another one left behind, and importing torch is paid for once. The rule
is nbgrader's: a test cell that raises gets no points.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

SECONDS = 60  # on the clock, so long enough for a busy machine


def run(source: str, namespace: dict, name: str) -> str | None:
    """The error of a cell in one line, or None."""
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            exec(compile(source, name, "exec"), namespace)
    except BaseException as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        return f"{type(error).__name__} (line {line} of the last function): {error}"
    return None


def grade(answer: str, tests: dict[str, str], namespace: dict) -> dict[str, str | None]:
    """In a fork: the result of each test cell.

    A loop without end fails the cell that it is in, and all that follow.
    """
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        signal.alarm(SECONDS)
        results = {}
        trouble = run(answer, namespace, "the answer")
        for cell, source in tests.items():
            results[cell] = run(source, namespace, cell)
            if results[cell] and trouble:
                results[cell] += f" [The answer itself stopped: {trouble}]"
        with os.fdopen(send, "w") as pipe:
            json.dump(results, pipe)
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return (
        json.loads(text)
        if text
        else dict.fromkeys(tests, f"The answer ended Python, or took longer than {SECONDS} seconds.")
    )


def main() -> None:
    cells = [
        cell for cell in json.loads(Path(sys.argv[1]).read_text())["cells"] if cell["cell_type"] == "code"
    ]
    namespace: dict = {"__name__": "__main__"}
    tests: dict[str, dict[str, str]] = {}
    for cell in cells:
        source, about = "".join(cell["source"]), cell["metadata"]["nbgrader"]
        if not about["grade"] and not about["solution"]:
            with redirect_stdout(sys.stderr):  # stdout is for the results
                exec(compile(source, "a set-up cell", "exec"), namespace)
        elif about["grade"]:
            tests.setdefault(about["grade_id"].split("-")[0], {})[about["grade_id"]] = source
    import torch

    torch.set_num_threads(1)  # before a fork there must be no threads
    jobs = json.load(sys.stdin)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda job: grade(job[1], tests[job[0]], namespace), jobs))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
