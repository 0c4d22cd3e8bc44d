"""Who sees whom, as drawn in lesson 5."""

from __future__ import annotations

import numpy as np

from jahp_lib.course.figures import sight


def test_positions_are_sorted_by_raster_order_and_by_whether_they_are_seen() -> None:
    """Breaks if the own position counts as earlier, or rows and columns are swapped."""
    seen = np.array([[0, 1, 0], [0, -2, 0], [0.5, 0, 0]])
    assert sight(seen, 1, 1).tolist() == [[1, 2, 1], [1, 3, 0], [3, 0, 0]]


def test_a_wide_map_is_counted_row_by_row() -> None:
    """Breaks if the height stands for the width."""
    assert sight(np.zeros((2, 4)), 0, 3).tolist() == [[1, 1, 1, 0], [0, 0, 0, 0]]
