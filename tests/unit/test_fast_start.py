"""What needs no network of neurons answers before one could be loaded."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

SLOW = ("torch", "torchvision", "matplotlib", "skimage", "numpy", "PIL", "scipy", "tqdm")
FILE = Path(__file__).with_name("data") / "version1-JointModel.jahp"
QUICK = {"--help": ["--help"], "--version": ["--version"], "info": ["info", str(FILE)], "nothing": []}


@pytest.mark.parametrize("name", QUICK)
def test_help_version_and_info_load_no_library_that_takes_its_time(name: str) -> None:
    """Breaks with one import too many at the top of a module on their way."""
    program = (
        "import sys\nfrom jahp_lib.cli import main\n"
        f"try: code = main({QUICK[name]!r})\nexcept SystemExit as end: code = end.code\n"
        f"print(code, *sorted(set(sys.modules) & set({SLOW!r})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.splitlines()[-1] == ("2" if name == "nothing" else "0"), done.stderr


def test_info_takes_little_more_than_python_itself() -> None:
    """Processor time, not the clock's, so that a busy machine makes no difference; with PyTorch it is several
    seconds."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "jahp_lib.cli", *QUICK["info"]], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.3
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("command", ["compress", "decompress", "info", "demo", "download"])
def test_a_commands_own_help_does_not_wait_for_pytorch(command: str) -> None:
    program = (
        "import sys\nfrom jahp_lib.cli import main\n"
        f"try: main([{command!r}, '--help'])\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert "usage: jahp " in done.stdout
