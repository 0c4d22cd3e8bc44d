"""nbgrader's settings for this course, and an executor that students' code cannot bring to a halt."""

from __future__ import annotations

from jupyter_core.utils import run_sync
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader.converters.autograde import Autograde
from nbgrader.preprocessors import Execute
from nbgrader.preprocessors.execute import UnresponsiveKernelError

SECONDS = 30  # for each cell; the slowest cell of a solution takes about one


class PatientExecute(Execute):
    """Runs a submission to its end, whatever one of its cells does.

    A cell that runs too long or ends the kernel gets one message in words. The kernel is then replaced, and the cells before
    are run again without that one. (nbgrader's own executor gives the whole submission up if a loop catches the interrupt.)
    What a cell writes to stderr, such as a progress bar or a warning, costs no points.
    """

    def preprocess(self, nb, resources):
        self._fine = []
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell, resources, index):
        trouble = None
        try:
            cell, resources = super().preprocess_cell(cell, resources, index)
        except (DeadKernelError, UnresponsiveKernelError):
            trouble = (
                "KernelEnded",
                "This cell ended Python itself: it called exit, or took more memory than there is. The cells after it were run without it.",
            )
        except CellTimeoutError:
            trouble = self._too_long(cell)
        outputs = cell.get("outputs", [])
        if any(output.output_type == "error" and output.ename == "CellTimeoutError" for output in outputs):
            trouble = self._too_long(cell)
        for output in outputs:
            if output.output_type == "stream":
                output.name = "stdout"
        if trouble:
            name, message = trouble
            cell.outputs = [new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"])]
            self._start_again()
        elif cell.cell_type == "code" and cell.source.strip():
            self._fine.append(cell.source)
        return cell, resources

    def _get_timeout(self, cell):
        """Ten times as long for the set-up cells, which are locked: on a busy machine, importing torch alone can take a minute."""
        about = {} if cell is None else cell.metadata.get("nbgrader", {})
        ours = cell is None or (about.get("locked") and not about.get("grade"))
        return self.timeout * (10 if ours else 1)

    def _too_long(self, cell) -> tuple[str, str]:
        return (
            "CellTimeoutError",
            f"This cell ran longer than {self._get_timeout(cell)} seconds and was stopped. "
            "Does a loop never end, here or in the function that is tested? The cells after it were run without it.",
        )

    def _start_again(self) -> None:
        self.shutdown_kernel = "immediate"
        self._cleanup_kernel()
        self.km = self.create_kernel_manager()
        self.start_new_kernel()
        self.start_new_kernel_client()
        replay = run_sync(self.kc.execute_interactive)
        for source in self._fine:
            replay(
                source, store_history=False, allow_stdin=False, stop_on_error=False, output_hook=lambda message: None, timeout=20 * SECONDS
            )


c = get_config()  # noqa: F821 - nbgrader puts it here

c.CourseDirectory.course_id = "jahp"
c.ClearSolutions.code_stub = {
    "python": 'raise NotImplementedError("This task is not answered yet: write your code in place of this line.")'
}
c.Execute.timeout = SECONDS

c.Autograde.autograde_preprocessors = [PatientExecute if step is Execute else step for step in Autograde.autograde_preprocessors.default()]
