"""Lesson 9: a snapshot holds what the model made of the photo, comes back from its file, and leaves the model
alone.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import skimage.metrics
import torch

from jahp_lib.checkpoints import MODELS
from jahp_lib.photos.one_photo import to_float, to_image
from jahp_lib.snapshots import CHANNELS, Snapshot, load_snapshots, take_snapshot
from jahp_lib.variable_rate import VariableRate


@pytest.fixture
def x() -> torch.Tensor:
    """A photo of 8-bit values whose sides are no multiples of 16."""
    return to_float(torch.randint(0, 256, (1, 3, 50, 70), dtype=torch.uint8))


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("architecture", MODELS)
def test_a_snapshot_is_what_the_model_says_of_the_photo(
    architecture: str, wrapped: bool, x: torch.Tensor, lively
) -> None:
    """Breaks if a map, a figure or a channel is another than the model's own; PSNR is scikit-image's, of the
    8-bit picture.
    """
    model = lively(architecture)
    model = VariableRate(model).eval() if wrapped else model
    taken = take_snapshot(model, x, 0.05, epoch=3, step=77)
    with torch.inference_mode():
        out = model(x, 0.05) if wrapped else model(x)
    assert (taken.epoch, taken.step, taken.lmbda) == (3, 77, 0.05)
    assert taken.bpp == pytest.approx((out.y_bits.sum() + out.z_bits.sum()).item() / (50 * 70), rel=1e-5)
    assert taken.z_bits == pytest.approx(out.z_bits.sum().item(), rel=1e-5)
    assert taken.x_hat.size == (70, 50)
    original, picture = np.asarray(to_image(x)), np.asarray(taken.x_hat)
    np.testing.assert_array_equal(picture, np.asarray(to_image(out.x_hat)))
    assert taken.psnr == pytest.approx(
        skimage.metrics.peak_signal_noise_ratio(original, picture, data_range=255), rel=1e-5
    )
    np.testing.assert_allclose(taken.y_bits, out.y_bits[0].sum(0), rtol=1e-3)
    bits = out.y_bits[0].sum((1, 2)).numpy()
    assert sorted(bits[taken.channels], reverse=True) == sorted(bits, reverse=True)[:CHANNELS]
    np.testing.assert_array_equal(bits[taken.channels], np.sort(bits)[::-1][:CHANNELS])
    for name, values in (("latents", out.y_hat), ("means", out.means), ("scales", out.scales)):
        kept = getattr(taken, name)
        if values is None:
            assert kept.size == 0
        else:
            np.testing.assert_allclose(kept, values[0].numpy()[taken.channels], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("training", [False, True])
def test_the_model_is_looked_at_in_evaluation_mode_and_left_as_it_was(
    training: bool, x: torch.Tensor, lively
) -> None:
    """Breaks if training goes on in evaluation mode, random numbers are used up, or weights get a
    gradient.
    """
    model = lively("JointModel").train(training)
    before = torch.get_rng_state()
    first, second = (take_snapshot(model, x, 0.01, 0, 0) for _ in range(2))
    assert model.training is training
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert first.bpp == second.bpp  # no noise


@pytest.mark.parametrize("architecture", ["FactorizedModel", "JointModel"])
def test_a_snapshot_comes_back_from_its_file(
    architecture: str, x: torch.Tensor, tmp_path: Path, lively
) -> None:
    """Breaks if a field is lost, or the reconstruction is stored with loss."""
    taken = take_snapshot(lively(architecture), x, 0.01, 2, 9)
    taken.save(tmp_path / "it.npz")
    back = Snapshot.load(tmp_path / "it.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["it.npz"]
    for field in fields(Snapshot):
        first, second = getattr(taken, field.name), getattr(back, field.name)
        assert type(first) is type(second) or field.name == "x_hat"
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second), err_msg=field.name)


def test_a_model_with_fewer_channels_than_a_snapshot_keeps_shows_all_it_has(
    x: torch.Tensor, tmp_path: Path, lively
) -> None:
    """Breaks if a tiny model, as a lesson trains it, cannot be looked at."""
    taken = take_snapshot(lively("JointModel", 2, 2), x, 0.01, 0, 0)
    taken.save(tmp_path / "it.npz")
    assert Snapshot.load(tmp_path / "it.npz").latents.shape == (2, 4, 5)


def test_snapshots_of_a_run_come_in_the_order_of_their_epochs(
    x: torch.Tensor, tmp_path: Path, lively
) -> None:
    """Breaks if they come as the file system lists them, or other files are taken for snapshots."""
    model = lively("FactorizedModel")
    (tmp_path / "snapshots").mkdir()
    for epoch in (10, 2, 0, 1, 100):
        take_snapshot(model, x, 0.01, epoch, 5 * epoch).save(
            tmp_path / "snapshots" / f"epoch_{epoch:04d}.npz"
        )
    (tmp_path / "snapshots" / ".epoch_0003.npz.x.part").touch()
    for folder in (tmp_path, tmp_path / "snapshots", str(tmp_path)):
        assert [taken.epoch for taken in load_snapshots(folder)] == [0, 1, 2, 10, 100]


def test_a_folder_without_snapshots_gives_none(tmp_path: Path) -> None:
    """Breaks if a run that has not begun is an error for a lesson that polls it."""
    assert load_snapshots(tmp_path) == []
