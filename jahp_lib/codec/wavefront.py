"""Lesson 9. The order of coding: all positions that know enough are coded at once.

With a 5x5 mask of type A, position (i, j) needs the two rows above it up to column j + 2, and its own row up
to column j - 1. Give each position the time t = j + 3 i: everything it needs has a smaller t, so all
positions of one t can be predicted in one batch.

    t = j + 3 i           0  1  2  3  4  5
                          3  4  5  6  7  8        W + 3 (H - 1) steps instead of W * H,
                          6  7  8  9 10 11        and exactly the same values

Encoder and decoder run the same loop, ``walk``; they differ only in where the symbols come from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

BLOCK = 4096  # positions coded at once where there is no context; part of the file format


@dataclass(frozen=True)
class Schedule:
    """An order of coding for a latent of ``height`` x ``width``.

    ``order`` [height * width] lists positions in raster numbering; block k holds ``order[ends[k -
    1]:ends[k]]``. Values are kept in a buffer with ``margin`` empty rows above and columns on both sides,
    where the context of positions at the border finds zeros; ``slots`` is ``order`` in that buffer's
    numbering.
    """

    height: int
    width: int
    margin: int
    order: NDArray[np.int64]
    ends: NDArray[np.int64]

    @property
    def row_length(self) -> int:
        """Of the buffer with its margins."""
        return self.width + 2 * self.margin

    @property
    def buffer_rows(self) -> int:
        return (self.height + self.margin) * self.row_length

    @property
    def slots(self) -> NDArray[np.int64]:
        rows, columns = np.divmod(self.order, self.width)
        return (rows + self.margin) * self.row_length + columns + self.margin

    @property
    def times(self) -> NDArray[np.int64]:
        """The time t of each block's last position; along a wavefront that of all its positions."""
        rows, columns = np.divmod(self.order[self.ends - 1], self.width)
        return columns + (self.margin + 1) * rows

    @property
    def blocks(self) -> list[slice]:
        return [
            slice(int(first), int(end))
            for first, end in zip(np.append(0, self.ends[:-1]), self.ends, strict=True)
        ]


def wavefront(height: int, width: int, kernel_size: int = 5) -> Schedule:
    """Blocks of equal t = j + (r + 1) i, for a masked kernel (type A) of radius r = ``kernel_size // 2``;

    each from top to bottom.
    """
    radius = kernel_size // 2
    rows, columns = np.divmod(np.arange(height * width), width)
    times = columns + (radius + 1) * rows
    order = np.argsort(times, kind="stable")  # raster order within a block: from top to bottom
    ends = np.flatnonzero(np.diff(times[order], append=-1)) + 1
    return Schedule(height, width, radius, order, ends)


def all_at_once(height: int, width: int) -> Schedule:
    """Raster order in blocks of ``BLOCK`` positions:

    for models without context, where nothing has to wait.
    """
    positions = height * width
    ends = np.append(np.arange(BLOCK, positions, BLOCK), positions)
    return Schedule(height, width, 0, np.arange(positions), ends)


def context_offsets(mask: Tensor, row_length: int) -> Tensor:
    """How far each position that a causal ``mask`` [k, k] shows lies from the centre in a buffer with rows
    of ``row_length``."""
    rows, columns = torch.nonzero(mask.cpu(), as_tuple=True)
    radius = mask.shape[0] // 2
    return (rows - radius) * row_length + (columns - radius)


def context_ages(mask: Tensor) -> Tensor:
    """How much time earlier each position that a causal ``mask`` [k, k] shows was coded, in the order of
    ``context_offsets``."""
    rows, columns = torch.nonzero(mask.cpu(), as_tuple=True)
    radius = mask.shape[0] // 2
    return (radius - columns) + (radius + 1) * (radius - rows)


Predict = Callable[[Tensor, slice, Tensor], tuple[Tensor, Tensor]]
Code = Callable[[slice, Tensor, Tensor], Tensor]


def walk(schedule: Schedule, channels: int, predict: Predict, code: Code, device: torch.device) -> Tensor:
    """Code a whole latent block by block; the loop that encoder and decoder share.

    Args:
        channels: C of the latent.
        predict: from what is coded so far [buffer_rows, C], a block and its slots in the buffer [n]: means
            [n, C] and indices of tables [n, C].
        code: from a block, its means and its tables to its symbols [n, C]. The encoder's rounds what it
            knows, and writes; the decoder's reads.

    Returns:
        Quantised values, symbols + means: float64 [C, height, width].
    """
    values = torch.zeros(schedule.buffer_rows, channels, dtype=torch.float64, device=device)
    slots = torch.from_numpy(schedule.slots).to(device)
    for block in schedule.blocks:
        here = slots[block]
        means, which = predict(values, block, here)
        values[here] = code(block, means, which) + means
    picture = values.view(-1, schedule.row_length, channels)[
        schedule.margin :, schedule.margin : schedule.margin + schedule.width
    ]
    return picture.permute(2, 0, 1)
