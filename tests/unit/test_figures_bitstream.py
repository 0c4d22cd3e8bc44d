"""Figures of lessons 8 and 9: what they are drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from jahp_lib.course import figures


def test_a_wavefront_is_done_before_its_step_and_waits_after_it() -> None:
    times = np.arange(4)[None] + 3 * np.arange(2)[:, None]
    assert figures.wavefront_state(times, 3).tolist() == [[2, 2, 2, 1], [1, 0, 0, 0]]


def test_nested_intervals_end_in_the_product_of_the_probabilities() -> None:
    figure = figures.nested_intervals([0.25, 0.5, 0.25], [1, 2], ["a", "b", "c"])
    words = [text.get_text() for text in figure.axes[0].texts]
    assert words[-2:] == ["0.62500", "0.75000"]  # b is [1/4, 3/4), and c its last quarter


def test_a_field_may_not_be_cut_by_the_end_of_a_row() -> None:
    with pytest.raises(ValueError, match="reaches over the end"):
        figures.byte_fields(bytes(16), [("first", 6), ("second", 6)], columns=8)
