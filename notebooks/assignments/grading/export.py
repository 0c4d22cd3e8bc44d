"""The table of marks, in which "could not be graded" and "not handed in" differ from zero points."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.plugins import CsvExportPlugin

from .handins import NOT_HANDED_IN, NotGradableError, handed_in_notebook, misplaced

GRADED = "graded"


def status(course: Path, student: str, name: str) -> str:
    """``graded``, ``not handed in``, or ``could not be graded: `` and the reason."""
    record = course / "records" / name / f"{student}.json"
    graded = course / "autograded" / student / name / f"{name}.ipynb"
    newer = graded.exists() and record.exists() and graded.stat().st_mtime > record.stat().st_mtime
    reason = json.loads(record.read_text()).get("reason") if record.exists() and not newer else None
    if reason:
        return f"could not be graded: {reason}"
    if graded.exists():
        return GRADED
    folder = course / "submitted" / student / name
    if not folder.is_dir():
        reason = misplaced(course / "submitted", name).get(student)
        return f"could not be graded: {reason}" if reason else NOT_HANDED_IN
    try:
        handed_in_notebook(folder, name)
    except NotGradableError as error:
        return f"could not be graded: {error}"
    return f"not graded yet, or stopped by an error: make grade SET={name}"


class GradesExport(CsvExportPlugin):
    """nbgrader's table with a column ``status``; who could not be graded has no score, rather than zero."""

    def export(self, gradebook: Gradebook) -> None:
        super().export(gradebook)
        path = Path(self.to or "grades.csv")
        root = getattr(
            getattr(self.parent, "coursedir", None), "root", None
        ) or self.config.CourseDirectory.get("root")
        course = Path(root or ".")
        with path.open(newline="") as file:
            reader = csv.DictReader(file)
            names, rows = [*(reader.fieldnames or []), "status"], list(reader)
        for row in rows:
            row["status"] = status(course, row["student_id"], row["assignment"])
            if row["status"] not in (GRADED, NOT_HANDED_IN) and not _has_marks(
                gradebook, row["assignment"], row["student_id"]
            ):
                row["raw_score"] = row["score"] = ""
        listed = {(row["assignment"], row["student_id"]) for row in rows}
        rows += self._unknown(course, gradebook, listed)
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)

    def _unknown(self, course: Path, gradebook: Gradebook, listed: set[tuple[str, str]]) -> list[dict]:
        """Rows for those who handed something in that never reached the gradebook."""
        rows = []
        for assignment in gradebook.assignments:
            name = assignment.name
            handed_in = {path.parent.name for path in course.glob(f"submitted/*/{name}") if path.is_dir()}
            for student in sorted(handed_in | set(misplaced(course / "submitted", name))):
                if (name, student) not in listed:
                    about = {
                        "assignment": name,
                        "duedate": assignment.duedate,
                        "max_score": assignment.max_score,
                    }
                    rows.append({**about, "student_id": student, "status": status(course, student, name)})
        return rows


def _has_marks(gradebook: Gradebook, name: str, student: str) -> bool:
    try:
        submission = gradebook.find_submission(name, student)
    except MissingEntry:
        return False
    return any(grade.auto_score is not None for notebook in submission.notebooks for grade in notebook.grades)
