"""Where the system offers it, a student's code runs without network and inside a folder of its own.

Three ways, tried in this order:

``bwrap``     bubblewrap, which Flatpak runs programs in: needs no rights and no daemon, starts in
              milliseconds, and makes the whole system read-only in one call. Containers do as much, but
              need an image with the course in it, and rights that come near to root's.
``unshare``   util-linux, on nearly every Linux: no network, no other processes, and the course's folders are
              covered. Whatever else the account may write can be written.
``none``      neither works (macOS, or a Linux that forbids user namespaces): only time and memory are
              limited.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from traitlets import List, Unicode

WAYS = ("bwrap", "unshare", "none")
LACKING = {
    "unshare": (
        "bubblewrap does not work here, so students' code runs without network and without sight of the "
        "course's folders, but can write what your account can write. On Debian and Ubuntu: "
        "apt install bubblewrap"
    ),
    "none": (
        "neither bubblewrap nor unshare works here, so students' code runs under your account with network "
        "and all your files. On Debian and Ubuntu: apt install bubblewrap; elsewhere, grade in a container "
        "or on an account that can lose nothing."
    ),
}
# What code may know of the environment: no keys, no tokens.
ENVIRONMENT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "NBGRADER_EXECUTION",
)


def available(hidden: list[Path]) -> str:
    """The first of `WAYS` that works on this machine."""
    return next(way for way in WAYS if way == "none" or _works(way, hidden))


def _works(way: str, hidden: list[Path]) -> bool:
    program = [sys.executable, "-c", "import jahp_lib, ipykernel"]
    command = prefix(way, Path.cwd(), hidden)
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run([*command, *program], capture_output=True, timeout=120, check=False).returncode == 0


def prefix(way: str, own: Path, hidden: list[Path]) -> list[str]:
    """The command that goes before a kernel's own.

    Args:
        way: one of `WAYS`.
        own: the folder that the kernel may write.
        hidden: the folders that it must not see.
    """
    existing = [str(path) for path in hidden if path.exists()]
    if way == "unshare":
        script = 'while [ "$1" != -- ]; do mount -t tmpfs none "$1" || exit 1; shift; done; shift; exec "$@"'
        namespaces = ["--map-root-user", "--mount", "--net", "--pid", "--fork", "--kill-child"]
        return ["unshare", *namespaces, "sh", "-c", script, "sh", *existing, "--"]
    if way == "bwrap":
        home = str(Path.home())
        command = [
            "bwrap",
            "--ro-bind",
            "/",
            "/",
            "--dev",
            "/dev",
            "--proc",
            "/proc",
            "--tmpfs",
            "/tmp",
            "--tmpfs",
            home,
        ]
        for path in _needed():
            command += ["--ro-bind", path, path]
        for path in existing:
            command += ["--tmpfs", path]
        command += ["--bind", str(own), str(own)]
        # Here the kernel's parent is process 1, from which it would conclude that it is an orphan.
        command += ["--unsetenv", "JPY_PARENT_PID"]
        return [*command, "--unshare-all", "--die-with-parent", "--new-session"]
    return []


def _needed() -> list[str]:
    """Folders in the home or in /tmp that Python and the course are loaded from."""
    folders = [sys.prefix, sys.base_prefix, site.getusersitepackages(), *sys.path]
    library = find_spec("jahp_lib")
    if library and library.origin:
        folders.append(str(Path(library.origin).parents[1]))
    real = sorted({os.path.realpath(folder) for folder in folders if folder and os.path.isdir(folder)})
    covered = [os.path.realpath(Path.home()), "/tmp"]
    inside = [path for path in real if any(Path(path).is_relative_to(cover) for cover in covered)]
    return [path for path in inside if path not in covered]


class SandboxedKernelManager(AsyncKernelManager):
    """Starts kernels behind a `prefix`, and talks to them through files, since they may have no network."""

    before = List(Unicode())
    own = Unicode()

    def __init__(self, *, before: list[str], own: str, **keywords: Any) -> None:
        # A socket's path may have about 100 characters.
        super().__init__(connection_file=os.path.join(own, "kernel.json"), transport="ipc", **keywords)
        self.before, self.own = before, own

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        return [*self.before, *super().format_kernel_cmd(extra_arguments)]

    async def _async_launch_kernel(self, kernel_cmd: list[str], **keywords: Any) -> None:
        assert self.kernel_spec is not None
        self.kernel_spec.interrupt_mode = "message"  # a signal would end the sandbox, not the cell
        keywords["env"] = {
            **{name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
            "HOME": self.own,
            "TMPDIR": self.own,
            "IPYTHONDIR": self.own,
            "OMP_NUM_THREADS": "1",  # hand-ins run side by side: a thread more would only wait
            "MKL_NUM_THREADS": "1",
        }
        await super()._async_launch_kernel(kernel_cmd, **keywords)
