"""nbgrader's settings for this course."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from grading.execute import PatientExecute
from grading.handins import PutInOrder
from nbgrader.converters.autograde import Autograde
from nbgrader.preprocessors import DeduplicateIds, Execute

c = get_config()  # noqa: F821 - nbgrader puts it here

c.CourseDirectory.course_id = "jahp"
c.ClearSolutions.code_stub = {
    "python": (
        'raise NotImplementedError("This task is not answered yet: write your code in place of this line.")'
    )
}
c.Execute.timeout = 30  # seconds for each cell; the slowest cell of a solution takes about one
c.PatientExecute.hand_in_seconds = 120  # for all cells of a hand-in together, without the set-up cells
c.ExportApp.plugin_class = "grading.export.GradesExport"

# In place of nbgrader's steps that end the batch for a doubled cell, and give up at an endless loop.
c.Autograde.sanitize_preprocessors = [
    PutInOrder if step is DeduplicateIds else step for step in Autograde.sanitize_preprocessors.default()
]
c.Autograde.autograde_preprocessors = [
    PatientExecute if step is Execute else step for step in Autograde.autograde_preprocessors.default()
]
