"""Lesson 1. Bits: what a symbol costs, and what a whole message costs on average.

A symbol to which the coder gave the probability q costs -log2 q bits. Averaged over data that follow p this
is the cross-entropy H(p, q), which is smallest, and is called the entropy, where the coder knew p itself.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

LN2 = math.log(2.0)


def bits(probabilities: Tensor) -> Tensor:
    """Price of symbols in bits, ``-log2 q`` of the probability each was given; same shape. Infinite where q =
    0.

    Source: Shannon 1948, section 6.
    """
    return -torch.log2(probabilities)


def entropy(probabilities: Tensor) -> Tensor:
    """Entropy in bits of distributions that sum to one along the last dimension.

    H(p) = -sum p log2 p, with 0 log 0 = 0 (Shannon 1948, section 6).
    """
    return -torch.special.xlogy(probabilities, probabilities).sum(-1) / LN2


def cross_entropy(probabilities: Tensor, model: Tensor) -> Tensor:
    """Average bits per symbol when data follow ``probabilities`` and the code was made for ``model``.

    H(p, q) = -sum p log2 q = H(p) + KL(p || q). Infinite where q = 0 < p. Shapes broadcast; the last
    dimension is summed.
    """
    return -torch.special.xlogy(probabilities, model).sum(-1) / LN2
