"""Recipes: the course's own weights can be made again by a command that can be stopped and goes on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jahp_lib import cli
from jahp_lib.checkpoints import MODELS, load, read_tensors
from jahp_lib.training.recipes import RECIPES, ladder, small
from jahp_lib.training.recipes.phases import Phase
from jahp_lib.training.settings import Settings

TINY = Settings(N=3, M=4, epochs=1, steps_per_epoch=2, batch=2, patch=32, lmbda=0.0018, lmbda_max=0.18)
OPTIONS = ["--device", "cpu", "--threads", "1"]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Lets ``small`` be two phases of two steps each; the minutes that each call asks for are noted."""
    asked = []

    def phases(minutes: float) -> list[Phase]:
        asked.append(minutes)
        return [
            Phase("first", TINY),
            Phase(
                "second",
                replace(TINY, entropy_model_only=True),
                goes_on_from="first",
                file="small.safetensors",
            ),
        ]

    monkeypatch.setattr(small, "phases", phases)
    return asked


def test_every_recipe_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["recipe", "--list"]) == 0
    text = capsys.readouterr().out
    for name in ("small", "full", "ladder", "recorded"):
        assert f"{name}: " in text
    for rung in MODELS:
        assert f"architecture {rung}" in text or rung == "JointModel"


@pytest.mark.parametrize(
    ("words", "sentence"), [(["smal"], "there is no recipe 'smal'"), ([], "no recipe was named")]
)
def test_a_recipe_that_is_not_there_is_refused_with_those_that_are(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["recipe", *words]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "small, full, ladder, recorded" in error


def test_phases_follow_each_other_and_the_last_one_s_weights_get_the_course_s_name(
    tmp_path: Path, tiny: list[float]
) -> None:
    """Breaks if a phase starts from fresh weights, or the file is not that of the last phase, as integers of
    8 bits.
    """
    assert cli.main(["recipe", "small", "--run", str(tmp_path), "--minutes", "7", *OPTIONS]) == 0
    assert tiny == [7.0]
    first, second = (load(tmp_path / phase / "model.safetensors") for phase in ("first", "second"))
    for one, other in zip(first.base.g_a.parameters(), second.base.g_a.parameters(), strict=True):
        assert (one == other).all()  # the second phase leaves the transforms as they are
    header = read_tensors(tmp_path / "small.safetensors", "jahp-model-1")[1]
    assert header["precision"] == "int8"
    assert header["config"]["variable_rate"]
    assert header["card"]["steps"] == 2
    assert header["card"]["settings"]["entropy_model_only"]


def test_a_recipe_started_again_does_nothing_twice(tmp_path: Path, tiny: list[float]) -> None:
    """Breaks if a phase that is done is trained again, over days."""
    command = ["recipe", "small", "--run", str(tmp_path), *OPTIONS]
    assert cli.main(command) == 0
    before = (tmp_path / "small.safetensors").read_bytes()
    states = [(tmp_path / phase / "state.safetensors").stat().st_mtime_ns for phase in ("first", "second")]
    assert cli.main(command) == 0
    assert (tmp_path / "small.safetensors").read_bytes() == before
    assert states == [(tmp_path / p / "state.safetensors").stat().st_mtime_ns for p in ("first", "second")]


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_the_minutes_of_a_recipe_are_shared_by_its_phases(name: str) -> None:
    """Breaks if the time that is asked for is not the time that it takes."""
    phases = RECIPES[name].phases(50.0)
    assert sum(phase.settings.minutes for phase in phases) == pytest.approx(50.0)
    assert len({phase.name for phase in phases}) == len(phases)


def test_the_rungs_of_the_ladder_differ_in_their_architecture_alone() -> None:
    """Breaks if one rung has a setting of its own: they could not be compared."""
    settings = [phase.settings for phase in ladder.phases()]
    assert [one.architecture for one in settings] == list(MODELS)
    assert len({replace(one, architecture="JointModel") for one in settings}) == 1
