"""The map of the course: every lesson's blocks are on it, and lit in that lesson only."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch

from jahp_lib.course import LESSONS, TO_COME
from jahp_lib.course.diagram import BLOCKS, BUILT, LATER, LIT, WHOLE, course_map


def fills(lesson: str) -> list[str]:
    """The colours of the boxes, in the order of BLOCKS (those of the legend come after them)."""
    figure = course_map(lesson)
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    plt.close(figure)
    return [to_hex(box.get_facecolor()).upper() for box in boxes[: len(BLOCKS)]]


@pytest.mark.parametrize("lesson", [number for number in LESSONS if number not in WHOLE])
def test_a_lesson_lights_its_own_blocks_tints_earlier_ones_and_leaves_later_ones_white(lesson):
    expected = [
        LIT if block.lesson == lesson else BUILT if block.lesson < lesson else LATER for block in BLOCKS
    ]
    assert LIT in expected
    assert fills(lesson) == expected


@pytest.mark.parametrize("lesson", WHOLE)
def test_first_and_last_lesson_light_the_whole_model(lesson):
    assert set(fills(lesson)) == {LIT}


def test_boxes_do_not_overlap_unless_one_lies_inside_the_other():
    outer = [block for block in BLOCKS if not block.inside]
    for i, a in enumerate(outer):
        for b in outer[i + 1 :]:
            apart = abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2
            assert apart, f"{a.words} and {b.words} overlap"


def test_an_unknown_lesson_is_named():
    with pytest.raises(ValueError, match="no lesson '13'"):
        course_map("13")


def test_the_box_of_a_lesson_that_is_still_to_come_is_dashed_and_no_other():
    figure = course_map("00")
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)][: len(BLOCKS)]
    plt.close(figure)
    dashed = {block.lesson for block, box in zip(BLOCKS, boxes, strict=True) if box.get_linestyle() == "--"}
    assert dashed == TO_COME
