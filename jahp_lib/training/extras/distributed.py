"""No lesson. The processes that ``torchrun`` starts, each with its share of every batch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
import torch.distributed as distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from jahp_lib.transforms import ModelOutput


class Processes:
    """The processes of one run, seen from one of them: its ``rank``, from 0, and how many there are,
    ``world``.
    """

    def __init__(self) -> None:
        self.rank, self.world = 0, 1
        if distributed.is_initialized():
            self.rank, self.world = distributed.get_rank(), distributed.get_world_size()

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and talks."""
        return self.rank == 0

    def own_parts(self, parts: int) -> range:
        """Which of the ``parts`` of a batch this process computes."""
        return range(self.rank, parts, self.world)

    def wrap(self, model: nn.Module) -> nn.Module:
        """``model`` so that its gradients are averaged over all processes."""
        return DistributedDataParallel(model) if self.world > 1 else model

    def exchange(self, runner: Callable[..., ModelOutput], now: bool) -> AbstractContextManager[None]:
        """Gradients of what is computed inside are exchanged only if ``now``: once a step, when all its parts
        are added up.
        """
        return runner.no_sync() if self.world > 1 and not now else nullcontext()  # type: ignore[attr-defined]

    def mean(self, values: Tensor) -> Tensor:
        """The mean of ``values`` over all processes, the same tensor in each of them."""
        if self.world > 1:
            distributed.all_reduce(values)
            values = values / self.world
        return values

    def mean_of(self, value: float, device: torch.device) -> float:
        """The mean of a number over all processes."""
        return value if self.world == 1 else self.mean(torch.tensor(value, device=device)).item()


def started_by_torchrun() -> bool:
    """Whether this process was started by ``torchrun`` and has not joined the others yet."""
    return "RANK" in os.environ and not distributed.is_initialized()


def own_device(device: str) -> str:
    """Under ``torchrun`` each process has a GPU of its own: "cuda" becomes "cuda:1" in the second process."""
    own = started_by_torchrun() and device.partition(":")[0] == "cuda"
    return f"cuda:{os.environ['LOCAL_RANK']}" if own else device


@contextmanager
def joined(device: torch.device) -> Iterator[None]:
    """Join the other processes of ``torchrun``, and leave them at the end; nothing to do for a process on its
    own.
    """
    started = started_by_torchrun()
    if started:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield
    finally:
        if started:
            distributed.destroy_process_group()
