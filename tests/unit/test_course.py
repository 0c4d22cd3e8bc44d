"""What lessons start with: the seed, and what was computed at leisure."""

from __future__ import annotations

import pytest
import torch

from jahp_lib import CheckpointError, course
from jahp_lib.context import JointModel

RUNGS = ("factorized", "scale", "mean and scale", "joint")


def test_the_recorded_priors_of_lessons_6_and_7_are_whole() -> None:
    stored = course.recorded("priors")
    assert {key.split(".")[0] for key in stored if "." in key} == set(RUNGS)
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in stored.values())
    for name in RUNGS:
        curve = stored[f"curve of {name}"]
        assert curve[-20:].mean() < 0.9 * curve[0], f"{name} did not learn."
    assert (
        stored["joint.context_prediction.weight"][:, :, ~JointModel(8, 8).context_prediction.mask.bool()]
        .abs()
        .max()
        == 0
    )


def test_each_rung_but_one_learned_to_take_fewer_bits() -> None:
    """Mean and scale comes out beside scale: lesson 6 says why."""
    stored = course.recorded("priors")
    last = {name: float(stored[f"curve of {name}"][-50:].mean()) for name in RUNGS}
    assert last["joint"] < 0.97 * min(last["scale"], last["mean and scale"])
    assert max(last["scale"], last["mean and scale"]) < 0.9 * last["factorized"]


def test_a_recording_that_is_not_there_is_said_in_a_sentence() -> None:
    with pytest.raises(CheckpointError, match="There is no checkpoint"):
        course.recorded("nonsense")


def test_an_unknown_lesson_is_refused() -> None:
    with pytest.raises(ValueError, match="no lesson '77'"):
        course.begin("77")


def test_a_lesson_uses_one_thread_unless_it_asks_for_all_cores() -> None:
    """Breaks if tiny training loops get threads that wait for one another: minutes in place of seconds on a
    shared computer.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        course.begin("12", all_cores=True)
        assert torch.get_num_threads() == 3
        course.begin("02")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_every_lesson_has_a_seed_and_the_halves_of_a_lesson_share_that_of_the_whole() -> None:
    """Breaks if a number is added without a seed, or if seeds follow numbers: then every figure would change
    with a renumbering.
    """
    assert set(course.checks.SEEDS) == set(course.LESSONS)
    first = {number: course.begin(number).rng.random() for number in course.LESSONS}
    assert first["01"] == first["02"]
    assert first["08"] == first["09"]
    assert len(set(first.values())) == len(first) - 2
