"""No lesson. What this machine can compute on: devices, threads, a compiler, memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from jahp_lib.checkpoints import build
from jahp_lib.training.settings import Settings, TrainingError


def usable_device(name: str) -> torch.device:
    """The device called ``name``: "cpu", "cuda", "cuda:1" and the like.

    Raises:
        ValueError: PyTorch knows no such device, or cannot compute on it here.
    """
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    # which one it is depends on the device and on how PyTorch was built
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ValueError(
            f"PyTorch cannot use the device {name!r} here: give --device cpu, or cuda where there is a GPU."
        ) from error
    return device


@contextmanager
def one_thread() -> Iterator[None]:
    """Inside, PyTorch computes on one processor thread; afterwards on as many as before.

    Networks of a few thousand weights are quicker so: on a busy machine a second thread costs more waiting
    than it computes.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_compiler(device: torch.device) -> None:
    """Compile a function of one line.

    Raises:
        TrainingError: ``torch.compile`` does not work here, most often because there is no C++ compiler.
    """
    try:
        torch.compile(lambda values: values * 2 + 1)(torch.ones(4, device=device))
    except Exception as error:  # torch.compile hands on whatever its many parts raise
        first_line = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"torch.compile does not work here ({first_line}). It needs a C++ compiler (on Debian and "
            "Ubuntu: "
            "apt install g++); or leave --compile out."
        ) from error


def memory_of_a_step(settings: Settings) -> int:
    """Bytes that one process needs at least for a step: weights, gradients, the optimiser's averages, and
    what backward needs.

    The forward pass is run with tensors that have a shape and no content.
    """
    with FakeTensorMode():
        model = build(settings.config).train()
        weights = sum(parameter.numel() for parameter in model.parameters())
        shapes = [parameter.shape for parameter in model.parameters()]
        x = torch.rand(settings.batch // settings.parts, 3, settings.patch, settings.patch)
        kept: list[Tensor] = []  # alive until the end, so that no two have one address

        def keep(tensor: Tensor) -> Tensor:
            kept.append(tensor)
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16, enabled=settings.bfloat16),
        ):
            model(x, settings.lmbda)
        storages = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in kept}
    copies = 4 + (settings.ema > 0)  # weights, gradients, two averages of the optimiser, the moving average
    preconditioners = 0
    if settings.optimizer == "soap":  # two square matrices for each dimension of each kernel
        preconditioners = sum(
            2 * size**2 for shape in shapes if len(shape) > 1 for size in shape if size <= 2000
        )
    return sum(storages.values()) + 4 * (copies * weights + preconditioners)


def free_memory(device: torch.device) -> float:
    """Bytes that are free on a device; infinite where that cannot be found out."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    table = Path("/proc/meminfo")
    if device.type == "cpu" and table.is_file():
        for line in table.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return math.inf


def check_memory(settings: Settings, device: torch.device) -> str:
    """What a step takes, in a sentence.

    Raises:
        TrainingError: it is more than is free.
    """
    local = int(os.environ.get("LOCAL_WORLD_SIZE", 1)) if device.type == "cpu" else 1
    needed, free = local * memory_of_a_step(settings), free_memory(device)
    patches = f"{settings.batch // settings.parts} patches of {settings.patch}x{settings.patch} at a time"
    channels = f"N = {settings.N}, M = {settings.M}"
    text = f"A step takes about {needed / 1e9:.2g} GB of memory, with {patches}, {channels}"
    if needed > free:
        raise TrainingError(
            f"{text}; {free / 1e9:.2g} GB are free. Take a smaller batch or more --parts of it, "
            "smaller patches, or a smaller N and M."
        )
    return f"{text}."
