"""Lesson 2's figure of a quantiser's bins in the plane."""

from __future__ import annotations

import numpy as np
import torch

from jahp_lib.course.figures import bin_borders


def test_borders_lie_where_any_symbol_changes_to_the_right_or_below() -> None:
    """Breaks if only one of the symbols is looked at, or only one direction."""
    symbols = torch.zeros(3, 4, 2)
    symbols[:, 2:, 0] = 1  # a border between columns 1 and 2
    symbols[2:, :, 1] = -1  # and one between rows 1 and 2
    expected = np.array([[0, 1, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0]], bool)
    np.testing.assert_array_equal(bin_borders(symbols), expected)


def test_one_bin_has_no_border() -> None:
    """Breaks if the edge of the picture counts as a border."""
    assert not bin_borders(np.full((5, 6, 2), 3.0)).any()
