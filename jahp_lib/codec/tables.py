"""Lesson 8. Probability tables in integers, one for each scale or channel, and the range coder that reads
them.

A range coder gives a symbol of frequency f out of 2**24 exactly log2(2**24 / f) bits. Encoder and decoder
must hold the same integers, so tables are made with ``portable_math``. Each covers -reach ... reach; what
lies outside is coded as an escape and then as 16 plain bits, so every symbol from -32767 to 32767 can be
coded, at some 36 bits in the worst case.

The entropy coder itself is a library's: ``constriction`` (Bamler 2022, arXiv:2201.01741).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Protocol

import constriction
import numpy as np
import torch
from numpy.typing import NDArray

from jahp_lib.codec import portable_math
from jahp_lib.codec.container import BitstreamError
from jahp_lib.codec.fast.trimming import trimmed
from jahp_lib.codec.fixed_point import BITS
from jahp_lib.factorized import FactorizedPrior, cumulative_logits

PRECISION = 24  # constriction's: frequencies add up to 2**24
TOTAL = 1 << PRECISION
LARGEST_SYMBOL = 32767
ESCAPE_FREQUENCY = 16  # an escape costs 20 bits, before its 16 plain ones
LEAST_REACH, MOST_REACH = 8, 1024
Symbols = NDArray[np.int32]


@dataclass(frozen=True)
class Table:
    """Frequencies of the symbols -reach ... reach and, last, of the escape;

    they add up to 2**24, none is 0.
    """

    frequencies: NDArray[np.int64]

    @cached_property
    def reach(self) -> int:
        return (len(self.frequencies) - 2) // 2

    @cached_property
    def model(self) -> constriction.stream.model.Model:
        # constriction adds 1 to each frequency it is given, so that none is zero, and scales the others to
        # 2**24 less their number. These already have that sum: the scale is exactly 1, and the table exactly
        # ours.
        return constriction.stream.model.Categorical((self.frequencies - 1).astype(np.float64), perfect=False)


def table_from_cdf(cdf: portable_math.Array) -> Table:
    """A table from the cumulative probabilities [2 reach + 2] at -reach - 1/2, ..., reach + 1/2."""
    outside = 1.0 - (cdf[-1] - cdf[0])
    probabilities = np.append(cdf[1:] - cdf[:-1], outside)
    spare = TOTAL - len(probabilities) - ESCAPE_FREQUENCY
    frequencies = np.rint(np.maximum(probabilities, 0.0) * spare).astype(np.int64) + 1
    frequencies[-1] += ESCAPE_FREQUENCY
    frequencies[np.argmax(frequencies)] += TOTAL - frequencies.sum()  # what rounding left over
    return Table(frequencies)


@cache
def scale_levels() -> NDArray[np.float64]:
    """The scales there are tables for: from 0.109375 to 1024, 32 to the octave, each exact in binary.

    Between two of them the nearest is taken, which costs less than 0.0001 bits an element on average, and
    less than 0.0004 at most.
    """
    every = [2.0**octave * (1 + step / 32) for octave in range(-4, 10) for step in range(32)]
    levels = np.array([level for level in every if level >= 0.109375] + [1024.0])
    levels.flags.writeable = False
    return levels


def scale_thresholds() -> NDArray[np.float64]:
    """Midpoints between neighbouring levels: the number of them below a scale is the index of its table."""
    levels = scale_levels()
    return (levels[1:] + levels[:-1]) / 2


@cache
def gaussian_table(index: int) -> Table:
    """The table of a zero-mean Gaussian of scale ``scale_levels()[index]``, integrated over bins of width
    1."""
    scale = scale_levels()[index]
    reach = max(int(np.ceil(6 * scale)), LEAST_REACH)
    return table_from_cdf(portable_math.normal_cdf((np.arange(2 * reach + 2) - reach - 0.5) / scale))


class Tables(Protocol):
    """A table for each index: a list, or ``GaussianTables``."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Table: ...


class GaussianTables:
    """The tables of all scales, each made when it is first asked for."""

    def __len__(self) -> int:
        return len(scale_levels())

    def __getitem__(self, index: int) -> Table:
        return gaussian_table(int(index))


def snapped_medians(prior: FactorizedPrior) -> NDArray[np.float64]:
    """The medians [C], to the nearest multiple of 2**-BITS."""
    medians = prior.medians.detach().cpu().double().numpy()
    if not np.isfinite(medians).all() or np.abs(medians).max() > LARGEST_SYMBOL:
        raise ValueError(
            f"The medians of the factorized prior must be finite and within +-{LARGEST_SYMBOL}. Train the "
            "model again."
        )
    return np.rint(medians * 2.0**BITS) * 2.0**-BITS


def prior_tables(prior: FactorizedPrior) -> list[Table]:
    """A table for each channel of a factorized prior, centred on its median: frequencies of round(z -
    median).

    Each reaches as far as the density does (until less than 2**-20 lies outside on either side), but no
    further than 1024.
    """
    weights = [parameter.detach().cpu().double().numpy() for parameter in prior.parameters()]
    if not all(np.isfinite(weight).all() for weight in weights):
        raise ValueError(
            "The weights of the factorized prior are not all finite numbers: this model cannot code "
            "anything. "
            "Train it again."
        )
    medians = snapped_medians(prior)

    def cdf(channels: NDArray[np.int64], offsets: portable_math.Array) -> portable_math.Array:
        """c(median + offset) of some channels: [channels, offsets]."""
        values = (medians[channels, None] + offsets)[:, None]  # [channels, 1, offsets]
        layers: list[Any] = [
            tuple(None if part is None else part.detach().cpu().double().numpy()[channels] for part in layer)
            for layer in prior.layers()
        ]
        return portable_math.sigmoid(cumulative_logits(values, layers, portable_math))[:, 0]

    everyone = np.arange(prior.channels)
    reaches = 2 ** np.arange(int(np.log2(LEAST_REACH)), int(np.log2(MOST_REACH)) + 1)
    edges = reaches.astype(np.float64) + 0.5
    below, above = cdf(everyone, -edges), 1.0 - cdf(everyone, edges)
    enough = (below < 2.0**-20) & (above < 2.0**-20)
    enough[:, -1] = True
    chosen = reaches[enough.argmax(1)]
    tables: dict[int, Table] = {}
    for reach in np.unique(chosen):
        channels = everyone[chosen == reach]
        offsets = np.arange(-reach, reach + 2, dtype=np.float64) - 0.5
        for channel, row in zip(channels, np.maximum.accumulate(cdf(channels, offsets), axis=1), strict=True):
            tables[int(channel)] = table_from_cdf(row)
    return [tables[channel] for channel in range(prior.channels)]


PLAIN_BITS = constriction.stream.model.Uniform(2 * (LARGEST_SYMBOL + 1))


@dataclass(frozen=True)
class _Groups:
    """Symbols of a block brought into the order in which they are coded:

    all of one table together, tables in ascending order.
    """

    order: NDArray[np.int64]
    runs: list[tuple[Table, int, int]]  # table, first, end
    reaches: NDArray[np.int64]

    @classmethod
    def of(cls, tables: Tables, which: NDArray[np.int16]) -> _Groups:
        order = np.argsort(which, kind="stable")
        in_order = which[order]
        starts = np.flatnonzero(np.diff(in_order, prepend=-1))
        ends = np.append(starts[1:], len(which))
        runs = [
            (tables[int(in_order[first])], int(first), int(end))
            for first, end in zip(starts, ends, strict=True)
        ]
        reaches = np.repeat(np.array([table.reach for table, _, _ in runs], np.int64), ends - starts)
        return cls(order, runs, reaches)


class SymbolEncoder:
    """Writes blocks of symbols; ``payload`` is what a ``SymbolDecoder`` reads."""

    def __init__(self) -> None:
        self.coder = constriction.stream.queue.RangeEncoder()

    def encode(self, tables: Tables, which: NDArray[np.int16], symbols: Symbols) -> None:
        """Append ``symbols`` [n], each with the table ``tables[which]``; all within +-``LARGEST_SYMBOL``."""
        groups = _Groups.of(tables, which)
        symbols = symbols[groups.order]
        far = np.abs(symbols) > groups.reaches
        indices = (np.where(far, groups.reaches + 1, symbols) + groups.reaches).astype(np.int32)
        for table, first, end in groups.runs:
            self.coder.encode(indices[first:end], table.model)
        if far.any():
            self.coder.encode(symbols[far].astype(np.int32) + LARGEST_SYMBOL + 1, PLAIN_BITS)

    def payload(self) -> bytes:
        """All that was written, in as few bytes as can be.

        A decoder reads zeros beyond their end (``fast.trimming``).
        """
        position, (lower, width) = self.coder.pos()  # the interval is [lower, lower + width)
        return trimmed(self.coder.get_compressed(), position, int(lower), int(width))


class SymbolDecoder:
    """Reads back the blocks that a ``SymbolEncoder`` wrote, given the same tables in the same order."""

    def __init__(self, payload: bytes) -> None:
        zeros = -len(payload) % 4 + 8
        self.coder = constriction.stream.queue.RangeDecoder(
            np.frombuffer(payload + bytes(zeros), ">u4").astype(np.uint32)
        )

    def decode(self, tables: Tables, which: NDArray[np.int16]) -> Symbols:
        """The next len(``which``) symbols."""
        groups = _Groups.of(tables, which)
        indices = np.empty(len(which), np.int64)
        for table, first, end in groups.runs:
            indices[first:end] = self._decode(table.model, end - first)
        symbols = indices - groups.reaches
        far = symbols > groups.reaches
        if far.any():
            symbols[far] = self._decode(PLAIN_BITS, int(far.sum())).astype(np.int64) - LARGEST_SYMBOL - 1
        back = np.empty(len(which), np.int32)
        back[groups.order] = symbols
        return back

    def _decode(self, model: constriction.stream.model.Model, n: int) -> Symbols:
        try:
            return self.coder.decode(model, n)
        except (
            AssertionError,
            ValueError,
        ) as error:  # how constriction reports a code that no encoder writes
            raise BitstreamError(
                "The file is damaged: its code cannot have been written by this program. Copy it again."
            ) from error


def scale_indices(raw_scales: torch.Tensor, thresholds: torch.Tensor) -> torch.Tensor:
    """Index of the table nearest to each raw scale (comparisons only: exact), same shape, int16."""
    return torch.bucketize(raw_scales.contiguous(), thresholds).to(torch.int16)
