"""The end of a range coder's message in as few bytes as can be.

A range coder ends with an interval, and any number in it will do. ``constriction`` gives one in whole words
of 32 bits; here the
number with the most zero bytes at its end is chosen, and those are left out: a decoder reads zeros beyond the
end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def trimmed(words: NDArray[np.uint32], position: int, lower: int, width: int) -> bytes:
    """The shortest bytes that a decoder reads as a number in the coder's last interval.

    Args:
        words: the message as the coder gives it.
        position: the word where the interval's 64 bits begin.
        lower, width: the interval is [lower, lower + width), modulo 2**64.
    """
    payload = words.astype(
        ">u4"
    ).tobytes()  # most significant byte first, so that the least significant come last
    head, tail = payload[: 4 * position], payload[4 * position :]
    if len(tail) > 8:
        return payload
    number = int.from_bytes(tail.ljust(8, b"\0"), "big")
    room_below = (number - lower) % 2**64
    for kept in range(9):
        step = 1 << 8 * (8 - kept)
        floor = number // step * step
        if number - floor <= room_below:
            break
        if floor + step < 2**64 and floor + step - number < width - room_below:
            floor += step
            break
    return (head + floor.to_bytes(8, "big")[:kept]).rstrip(b"\0")
