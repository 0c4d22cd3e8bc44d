"""Lesson 9. exp, tanh and the normal distribution with the same bits on every machine.

IEEE 754 defines +, -, * and / to the last bit; exp and tanh it leaves to each maths library, and libraries
differ. Probability tables must not, so what they are made of is written here as fixed sequences of the four
operations on float64 arrays. (NumPy carries out one
operation at a time: nothing is contracted to a fused multiply-add.) Accurate to about 1e-14, where tables
need 1e-8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LN2_HIGH = 0.693147180369123816490  # ln 2 in two parts, so that k * LN2_HIGH is exact for every k met here
LN2_LOW = 1.90821492927058770002e-10
INVERSE_SQRT_2PI = 0.3989422804014327


def exp(x: Array) -> Array:
    """e**x: x = k ln 2 + r with |r| < 0.35, a Taylor series for e**r, then the exponent.

    Below -700 it is e**-700.
    """
    x = np.clip(np.asarray(x, np.float64), -700.0, 700.0)
    k = np.rint(x / LN2_HIGH)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    total = np.ones_like(r)
    for n in range(16, 0, -1):  # Horner: 1 + r (1 + r/2 (1 + r/3 (...)))
        total = total * r / n + 1.0
    return np.ldexp(total, k.astype(np.int64))


def log1p(u: Array) -> Array:
    """ln(1 + u) for u in [0, 1]: 2 artanh(v) with v = u / (2 + u), at most 1/3."""
    v = u / (u + 2.0)
    square = v * v
    total = np.zeros_like(v)
    for n in range(39, 0, -2):
        total = total * square + 1.0 / n
    return total * v * 2.0


def softplus(x: Array) -> Array:
    """ln(1 + e**x)."""
    return np.maximum(x, 0.0) + log1p(exp(-np.abs(x)))


def sigmoid(x: Array) -> Array:
    """1 / (1 + e**-x)."""
    small = exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (small + 1.0)


def tanh(x: Array) -> Array:
    """(1 - e**-2x) / (1 + e**-2x)."""
    small = exp(-2.0 * np.abs(x))
    return np.copysign((1.0 - small) / (small + 1.0), x)


def normal_cdf(x: Array) -> Array:
    """Phi(x) for |x| <= 7 (beyond, Phi(7) = 1 - 1e-12): 1/2 + phi(x) (x + x**3/3 + x**5/(3*5) + ...).

    All terms have the sign of x, so nothing cancels. Source: Abramowitz & Stegun, 26.2.11.
    """
    x = np.clip(np.asarray(x, np.float64), -7.0, 7.0)
    square = x * x
    total = np.ones_like(x)
    for n in range(161, 1, -2):
        total = total * square / n + 1.0
    return 0.5 + INVERSE_SQRT_2PI * exp(square * -0.5) * (total * x)


def affine(matrix: Array, values: Array, bias: Array) -> Array:
    """matrix @ values + bias for each channel, summed in one fixed order, the bias first.

    [C, out, in], [C, in, n] and [C, out, 1] to [C, out, n]. A library's matrix product may add in any order.
    """
    rows = []
    for unit in range(matrix.shape[1]):
        total = bias[:, unit]
        for source in range(matrix.shape[2]):
            total = total + matrix[:, unit, source, None] * values[:, source]
        rows.append(total)
    return np.stack(rows, axis=1)
