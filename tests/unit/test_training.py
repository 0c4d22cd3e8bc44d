"""Lesson 12: training lowers the loss, goes on exactly where it stopped, and gives the same weights on one
process or two.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

import jahp_lib
from jahp_lib.checkpoints import CheckpointError, load
from jahp_lib.multipliers import LogAscent, ModifiedDifferential
from jahp_lib.photos import whole_files
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.one_photo import to_float
from jahp_lib.photos.patches import PhotoSet, sample_set
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.snapshots import load_snapshots
from jahp_lib.training import (
    Callback,
    Settings,
    Trainer,
    TrainingError,
    main,
    run,
    run_folder,
    start,
)
from jahp_lib.training.extras import distributed
from jahp_lib.training.extras.control_variate import local_contrast
from jahp_lib.variable_rate import VariableRate

TINY = Settings(N=3, M=4, epochs=3, steps_per_epoch=4, batch=2, patch=32, warmup_steps=2)
PHOTO = torch.linspace(0, 1, 3 * 32 * 48).reshape(1, 3, 32, 48)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(jahp_lib.__file__).parents[1]), "OMP_NUM_THREADS": "1"}


def photos(patch: int = 32) -> PhotoSet:
    """Two random pictures: quick to cut."""
    rng = np.random.default_rng(0)
    return PhotoSet(
        [torch.from_numpy(rng.integers(0, 256, (3, 60, 70), dtype=np.uint8)) for _ in range(2)], patch
    )


def train(folder: Path, settings: Settings = TINY, draw=None, start=None, fast=False, **options) -> Trainer:
    """A whole run without a progress bar."""
    trainer = Trainer(settings, draw or photos(settings.patch).batch, start=start, fast=fast)
    run(trainer, folder, PHOTO, progress=False, **options)
    return trainer


def weights(path: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(path / "model.safetensors")


def assert_same_weights(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


class Interrupted:
    """A source of patches that behaves like a user pressing Ctrl-C at its n-th batch."""

    def __init__(self, batches: int) -> None:
        self.left = batches

    def __call__(self, count: int, rng: np.random.Generator) -> torch.Tensor:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return photos().batch(count, rng)


# --- settings
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lmbda": 0.0}, "lmbda must be a finite number greater than 0"),
        ({"lmbda": math.nan}, "lmbda must be a finite number greater than 0"),
        ({"batch": 8.0}, "batch must be a whole number, not 8.0"),
        ({"N": 32.5}, "N must be a whole number, not 32.5"),
        ({"epochs": 1.5}, "epochs must be a whole number, not 1.5"),
        ({"steps_per_epoch": "4"}, "steps_per_epoch must be a whole number, not '4'"),
        ({"parts": True}, "parts must be a whole number, not True"),
        ({"lmbda": "0.013"}, "lmbda must be a number, not '0.013'"),
        ({"learning_rate": None}, "learning_rate must be a number, not None"),
        ({"bfloat16": 1}, "bfloat16 must be True or False, not 1"),
        ({"multiplier": 0.1}, "multiplier must be a word, not 0.1"),
        ({"optimizer": "sgd"}, "optimizer must be one of adam, soap"),
        ({"minutes": 0.0}, "minutes must be finite and above 0"),
        ({"minutes": math.inf}, "minutes must be finite and above 0"),
        ({"ema": 1.0}, r"ema is a share of the past and must be in \[0, 1\)"),
        ({"lmbda_max": 0.001}, "lmbda_max must be above lmbda"),
        ({"lmbda_max": math.inf}, "lmbda_max must be above lmbda"),
        ({"architecture": "Transformer"}, "architecture must be one of FactorizedModel"),
        ({"N": 0}, "N must be at least 1, not 0"),
        ({"M": -3}, "M must be at least 1"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be at least 1"),
        ({"batch": 0}, "batch must be at least 1"),
        ({"patch": 0}, "patch must be at least 1"),
        ({"parts": 0}, "parts must be at least 1"),
        ({"batch": 8, "parts": 3}, "A batch of 8 cannot be divided into 3 equal parts"),
        ({"learning_rate": 0.0}, "learning_rate must be finite and above 0"),
        ({"learning_rate": math.inf}, "learning_rate must be finite and above 0"),
        ({"final_learning_rate": -1e-6}, "final_learning_rate must be finite and at least 0"),
        ({"final_learning_rate": math.nan}, "final_learning_rate must be finite and at least 0"),
        ({"warmup_steps": -1}, "warmup_steps must be at least 0"),
        ({"clip": 0.0}, "clip is the greatest length of a gradient and must be above 0"),
        ({"clip": math.nan}, "clip is the greatest length of a gradient and must be above 0"),
        ({"seed": -1}, "seed must be at least 0 and below"),
        ({"seed": 2**64}, "seed must be at least 0 and below"),
        ({"multiplier": "log-ascent"}, "'log-ascent' needs one target"),
        ({"multiplier": "log-ascent", "target_psnr": -1e5}, "target_psnr is in dB"),
        ({"multiplier": "log-ascent", "target_psnr": 30.0, "patch": 1}, "at least 2x2 pixels"),
        (
            {"multiplier": "log-ascent", "target_bpp": 1.0, "target_psnr": 30.0},
            "'log-ascent' needs one target",
        ),
        ({"target_bpp": 1.0}, "'constant' has no target"),
    ],
    ids=str,
)
def test_settings_that_make_no_run_are_refused_before_it_starts(change: dict, words: str) -> None:
    """Breaks if a mistake shows only after hours, or as an error from inside torch."""
    with pytest.raises(ValueError, match=words):
        replace(TINY, **change)


def test_numbers_of_numpy_become_plain_ones_that_json_takes() -> None:
    """Breaks if a loop over numpy's numbers trains for an hour and then cannot write its history."""
    settings = replace(TINY, N=np.int64(5), lmbda=np.float32(0.5), epochs=np.uint8(2))
    assert json.loads(json.dumps(asdict(settings)))["N"] == 5
    assert (type(settings.N), type(settings.lmbda)) == (int, float)


def test_a_target_in_bits_or_decibels_reaches_the_multiplier_in_its_own_unit() -> None:
    """Breaks if PSNR is handed over as decibels: the multipliers work on the mean squared error of [0, 1]
    images.
    """
    bits = replace(TINY, multiplier="log-ascent", target_bpp=0.4).make_multiplier()
    assert isinstance(bits, LogAscent)
    assert (bits.value, bits.target, bits.on_rate) == (TINY.lmbda, 0.4, True)
    decibels = replace(TINY, multiplier="modified-differential", target_psnr=30.0).make_multiplier()
    assert isinstance(decibels, ModifiedDifferential)
    assert decibels.target == pytest.approx(0.001)
    assert not decibels.on_rate
    assert decibels.step_size == 0.04
    assert (
        replace(TINY, multiplier="log-ascent", target_bpp=0.4, epochs=10_000).make_multiplier().step_size
        == 160 / 40_000
    )


def test_a_multiplier_is_told_rate_error_and_contrast_of_the_very_patches_of_the_step() -> None:
    """Breaks if one is handed over as another, or only those of the last part of a batch."""
    told, batches, source = [], [], photos()

    def draw(count: int, rng: np.random.Generator) -> torch.Tensor:
        batches.append(source.batch(count, rng))
        return batches[-1]

    settings = replace(TINY, parts=2, multiplier="log-ascent", target_bpp=1.0)
    trainer = Trainer(settings, draw)
    trainer.multiplier.update = lambda *measured: told.append(measured)
    record = next(trainer.epochs(progress=False))
    assert len(told) == TINY.steps_per_epoch
    assert np.mean([bpp for bpp, _, _ in told]) == pytest.approx(record.bpp)
    assert np.mean([mse for _, mse, _ in told]) == pytest.approx(10 ** (-record.psnr / 10))
    for k, (_, _, contrast) in enumerate(told):
        patches = torch.cat(batches[2 * k : 2 * k + 2]).float() / 255
        assert contrast == pytest.approx(local_contrast(patches).item(), rel=1e-5)


def test_the_learning_rate_rises_in_a_line_and_falls_as_half_a_cosine() -> None:
    """Breaks if a step is missed at either end, or the schedule jumps where both meet. Expected values are
    the formulas'.
    """
    settings = Settings(
        learning_rate=1e-3, final_learning_rate=1e-5, warmup_steps=10, epochs=11, steps_per_epoch=10
    )
    rates = [settings.learning_rate_at(step) for step in range(111)]
    np.testing.assert_allclose(rates[:10], 1e-3 * np.arange(1, 11) / 10)
    np.testing.assert_allclose(rates[10:], 1e-5 + (1e-3 - 1e-5) * np.cos(np.linspace(0, np.pi / 2, 101)) ** 2)
    assert settings.learning_rate_at(10_000) == pytest.approx(1e-5)


def test_without_warm_up_the_first_step_has_the_full_learning_rate() -> None:
    """Breaks if no warm-up divides by zero, or starts at nothing."""
    assert Settings(warmup_steps=0, learning_rate=0.01).learning_rate_at(0) == pytest.approx(0.01)


def test_the_optimiser_uses_the_schedule(tmp_path: Path) -> None:
    """Breaks if the schedule is computed and not applied."""
    seen = []

    class Watching(Callback):
        def after_step(self, trainer: Trainer) -> None:
            seen.append(trainer.optimizer.param_groups[0]["lr"])

    list(Trainer(TINY, photos().batch, callbacks=[Watching()]).epochs(progress=False))
    assert seen == pytest.approx([TINY.learning_rate_at(step) for step in range(12)])


def test_every_step_and_part_has_randomness_of_its_own_that_comes_back() -> None:
    """Breaks if two steps see the same patches or noise, or a step sees others after a restart."""
    drawn = {
        (seed, step, part): (rng.random(), noise)
        for seed in (0, 1)
        for step in range(5)
        for part in range(3)
        for rng, noise in [replace(TINY, seed=seed).randomness(step, part)]
    }
    assert len({value for value, _ in drawn.values()}) == len({noise for _, noise in drawn.values()}) == 30
    rng, noise = TINY.randomness(4, 2)
    assert (rng.random(), noise) == drawn[0, 4, 2]
    assert 0 <= noise < 2**63


# --- learning
# ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"lmbda_max": 0.1}, {"bfloat16": True}], ids=str)
def test_training_lowers_the_loss_on_the_sample_photos(options: dict) -> None:
    """Breaks if the gradient has the wrong sign or scale, the optimiser does not step, or the data are not
    the photos.

    The same patches before and after, in evaluation mode; the loss must at least halve.
    """
    settings = Settings(
        N=8,
        M=8,
        epochs=2,
        steps_per_epoch=40,
        batch=4,
        patch=64,
        warmup_steps=5,
        learning_rate=3e-3,
        **options,
    )
    source = sample_set(64)
    x = to_float(source.batch(8, np.random.default_rng(99)))
    trainer = Trainer(settings, source.batch)

    def loss() -> float:
        trainer.model.eval()
        with torch.inference_mode():
            out = trainer.model(x, 0.05) if options.get("lmbda_max") else trainer.model(x)
        trainer.model.train()
        return rate_distortion_loss(out, x, 0.013).loss.item()

    before = loss()
    first, second = trainer.epochs(progress=False)
    assert loss() < 0.5 * before
    assert second.loss < first.loss


def test_all_of_the_ladder_trains_and_only_trained_weights_change() -> None:
    """Breaks if a model of the ladder lacks what the loop needs, or parameters are left out of the
    optimiser.
    """
    for architecture in ("FactorizedModel", "ScaleHyperprior", "MeanScaleHyperprior", "JointModel"):
        trainer = Trainer(replace(TINY, architecture=architecture, epochs=1), photos().batch)
        before = {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}
        list(trainer.epochs(progress=False))
        for name, parameter in trainer.model.named_parameters():
            assert not torch.equal(parameter, before[name]), f"{architecture}: {name}"


def test_a_range_of_lmbda_gives_every_image_its_own_between_the_ends() -> None:
    """Breaks if one λ serves the batch, or λ is drawn evenly instead of log-evenly (half lies below the
    geometric mean).
    """
    trainer = Trainer(replace(TINY, lmbda=0.002, lmbda_max=0.2, batch=4000), photos().batch)
    assert isinstance(trainer.model, VariableRate)
    drawn = trainer.choose_lmbda(np.random.default_rng(0))
    assert drawn.unique().numel() > 3900
    assert drawn.min() >= 0.002
    assert drawn.max() <= 0.2
    assert abs((drawn < 0.02).sum().item() - 2000) <= 1  # stratified: one in each 4000th part of the range


def test_the_lmbdas_of_a_batch_are_spread_over_the_range() -> None:
    """Breaks if they are drawn freely: a batch of small ones only pulls the parts that serve all λ to one
    side.
    """
    trainer = Trainer(replace(TINY, lmbda=0.002, lmbda_max=0.2, batch=4), photos().batch)
    rng = np.random.default_rng(0)
    for _ in range(50):
        parts = (torch.log(trainer.choose_lmbda(rng) / 0.002) / np.log(100) * 4).floor().int().tolist()
        assert sorted(parts) == [0, 1, 2, 3]


def test_an_image_s_loss_is_weighed_by_the_root_of_its_lmbda_and_by_1_in_the_middle() -> None:
    """Breaks if images of large λ decide a step nearly alone, or a model of one λ is weighed at all."""
    weights = replace(TINY, lmbda=0.002, lmbda_max=0.2).image_weights(torch.tensor([0.002, 0.02, 0.2]))
    torch.testing.assert_close(weights, torch.tensor([10**0.5, 1.0, 10**-0.5]))
    assert TINY.image_weights(0.013) is None


def test_processes_exchange_gradients_once_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if the gradients of each part are sent on their own: with n parts a process, n times the
    traffic.
    """
    trainer, exchanged = Trainer(replace(TINY, parts=6, batch=6), photos().batch), []

    class Runner:
        """Stands for DistributedDataParallel."""

        quiet = False

        def __call__(self, x: torch.Tensor, lmbda: float):
            exchanged.append(not self.quiet)
            return trainer.model(x)

        @contextmanager
        def no_sync(self):
            self.quiet = True
            yield
            self.quiet = False

    monkeypatch.setattr(distributed.distributed, "all_reduce", lambda values: None)
    trainer.runner, trainer.processes.world = Runner(), 2
    trainer.train_step()
    assert exchanged == [False, False, True]


def test_gradients_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if the norm of the gradient that the optimiser sees exceeds ``clip``."""
    trainer, norms = Trainer(replace(TINY, clip=0.01), photos().batch), []
    step = trainer.optimizer.step

    def watched(*arguments, **options):
        norms.append(
            math.sqrt(sum(parameter.grad.square().sum().item() for parameter in trainer.model.parameters()))
        )
        return step(*arguments, **options)

    monkeypatch.setattr(trainer.optimizer, "step", watched)
    list(trainer.epochs(progress=False))
    assert len(norms) == 12
    assert max(norms) == pytest.approx(0.01, rel=1e-3)


def test_parts_of_a_batch_weigh_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if gradients of parts are summed instead of averaged: more parts would mean a larger step. One
    part is repeated here.
    """
    monkeypatch.setattr(Settings, "randomness", lambda self, step, part: (np.random.default_rng(0), 7))
    gradients = []
    for parts, batch in ((1, 2), (2, 4)):
        trainer = Trainer(replace(TINY, parts=parts, batch=batch, clip=1e9), photos().batch)
        trainer.train_step()
        gradients.append(
            {name: parameter.grad.clone() for name, parameter in trainer.model.named_parameters()}
        )
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-4, atol=1e-6)


def test_medians_follow_the_density_after_every_epoch() -> None:
    """Breaks if z is rounded around medians that the trained density left long ago."""
    trainer = Trainer(TINY, photos().batch)
    prior = trainer.model.prior
    for _ in trainer.epochs(progress=False):
        c = prior.cumulative(prior.medians[:, None, None])
        torch.testing.assert_close(c, torch.full_like(c, 0.5), atol=1e-4, rtol=0)


def test_the_caller_s_own_random_numbers_stay_as_they_were() -> None:
    """Breaks if making or using a trainer seeds torch's global generator behind the back of whoever uses it
    too."""
    before = torch.get_rng_state()
    trainer = Trainer(TINY, photos().batch)
    assert torch.equal(torch.get_rng_state(), before)
    list(trainer.epochs(progress=False))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loss_that_is_not_finite_stops_training_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    """Breaks if nan is trained on for hours, or written over the state that was good."""
    settings = replace(TINY, epochs=4)
    steps = 0

    def draw(count: int, rng: np.random.Generator) -> torch.Tensor:
        nonlocal steps
        steps += 1
        if steps == 6:
            with torch.no_grad():
                trainer.model.g_a[0].weight.fill_(math.nan)
        return photos().batch(count, rng)

    trainer = Trainer(settings, draw)
    with pytest.raises(
        TrainingError, match=r"The loss is nan at step 5: training has diverged .*Lower the learning rate"
    ):
        run(trainer, tmp_path, PHOTO, progress=False, save_every=0)
    assert all(
        torch.isfinite(tensor).all()
        for tensor in safetensors.torch.load_file(tmp_path / "state.safetensors").values()
    )


def test_a_learning_rate_far_too_large_is_noticed() -> None:
    """The same without a trick: breaks if a diverged loss is only seen in the progress bar."""
    with pytest.raises(TrainingError, match="training has diverged"):
        list(
            Trainer(replace(TINY, learning_rate=1e25, warmup_steps=0, clip=1e25), photos().batch).epochs(
                progress=False
            )
        )


def test_a_gradient_that_is_not_finite_stops_training_before_anything_is_saved(tmp_path: Path) -> None:
    """Breaks if only the loss is watched: it was finite, and the weights after it are not."""
    trainer = Trainer(TINY, photos().batch)
    trainer.model.g_s[6].bias.register_hook(lambda gradient: gradient * math.nan)
    with pytest.raises(TrainingError, match="its gradient is nan long"):
        run(trainer, tmp_path, PHOTO, progress=False, save_every=0)
    assert not (tmp_path / "state.safetensors").exists()


# --- a run's folder
# ----------------------------------------------------------------------------------------------------------


def test_a_run_leaves_a_model_a_history_and_a_snapshot_of_every_epoch(tmp_path: Path) -> None:
    """Breaks if a file is missing, the history is not that of the epochs, or the model is not the one
    trained.
    """
    trainer = train(tmp_path / "run")
    assert {file.name for file in (tmp_path / "run").iterdir()} == {
        "history.json",
        "model.safetensors",
        "snapshots",
        "state.safetensors",
    }
    assert [(taken.epoch, taken.step) for taken in load_snapshots(tmp_path / "run")] == [
        (0, 0),
        (1, 4),
        (2, 8),
        (3, 12),
    ]
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    assert [(record["epoch"], record["step"]) for record in history["history"]] == [(1, 4), (2, 8), (3, 12)]
    assert history["steps_done"] == 12
    assert history["settings"]["lmbda"] == TINY.lmbda
    model = load(tmp_path / "run" / "model.safetensors")
    torch.testing.assert_close(model.state_dict(), trainer.model.state_dict())


def test_the_record_of_an_epoch_is_the_mean_of_its_steps() -> None:
    """Breaks if the first epoch's sums run into the second's, or bits and errors are exchanged."""
    seen: list[list[float]] = []
    trainer = Trainer(TINY, photos().batch)
    step = trainer.train_step
    trainer.train_step = lambda: seen.append(measured := step()) or measured
    records = list(trainer.epochs(progress=False))
    means = np.array(seen).reshape(3, 4, 3).mean(1)
    np.testing.assert_allclose([(record.loss, record.bpp) for record in records], means[:, :2], rtol=1e-6)
    np.testing.assert_allclose([record.psnr for record in records], -10 * np.log10(means[:, 2]), rtol=1e-6)
    np.testing.assert_allclose(means[:, 0], means[:, 1] + TINY.lmbda * 65025 * means[:, 2], rtol=1e-4)


def test_training_again_with_the_same_seed_gives_the_same_weights_and_another_seed_others(
    tmp_path: Path,
) -> None:
    """Breaks if anything random is not made from the seed."""
    for name, seed in (("first", 0), ("again", 0), ("other", 1)):
        train(tmp_path / name, replace(TINY, seed=seed))
    assert_same_weights(weights(tmp_path / "first"), weights(tmp_path / "again"))
    assert not torch.equal(
        weights(tmp_path / "first")["g_a.0.weight"], weights(tmp_path / "other")["g_a.0.weight"]
    )


def test_training_can_start_from_weights_of_before(tmp_path: Path) -> None:
    """Breaks if the given weights are ignored, or those of another architecture are taken."""
    start = train(tmp_path).model
    trainer = Trainer(replace(TINY, seed=5), photos().batch, start=start)
    torch.testing.assert_close(trainer.model.state_dict(), start.state_dict())
    with pytest.raises(
        CheckpointError, match="The model to start from holds the weights of another architecture"
    ):
        Trainer(replace(TINY, M=5), photos().batch, start=start)


def test_training_the_entropy_model_only_keeps_the_pictures(tmp_path: Path) -> None:
    """Breaks if g_a, g_s or a gain moves, or if anything else is kept as well."""
    settings = replace(TINY, lmbda_max=0.1, mixed_quantization=True)
    start = train(tmp_path / "first", settings).model
    before = {name: tensor.clone() for name, tensor in start.named_parameters()}
    trained = train(tmp_path / "second", replace(settings, entropy_model_only=True), start=start).model
    same = {name for name, tensor in trained.named_parameters() if torch.equal(tensor, before[name])}
    kept = {name for name in before if name.startswith(("model.g_a", "model.g_s", "gain", "inverse_gain"))}
    assert same == kept
    assert len(kept) > 10
    assert len(before) > len(kept) + 10


# --- stopping and going on
# ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "batches"),
    [
        ({}, 0),
        ({}, 2),
        ({}, 4),
        ({}, 9),
        ({"lmbda_max": 0.1}, 5),
        ({"parts": 2}, 11),
        ({"bfloat16": True}, 6),
        ({"entropy_model_only": True, "lmbda_max": 0.1}, 6),
        ({"multiplier": "only-grows"}, 6),
        ({"optimizer": "soap"}, 6),
        ({"ema": 0.9}, 6),
        ({"multiplier": "log-ascent", "target_bpp": 1.0}, 6),
        ({"multiplier": "modified-differential", "target_psnr": 30.0}, 6),
    ],
    ids=str,
)
def test_a_run_stopped_by_hand_goes_on_as_if_nothing_had_happened(
    change: dict, batches: int, tmp_path: Path
) -> None:
    """Breaks if weights, optimiser, counters, sums, λ or random numbers are not all as they were. Stopped in
    and between epochs.
    """
    if change.get("optimizer") == "soap":
        pytest.importorskip("pytorch_optimizer", reason="SOAP's package is not installed")
    settings = replace(TINY, **change)
    undisturbed = train(tmp_path / "whole", settings)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", settings, Interrupted(batches))
    resumed = train(tmp_path / "stopped", settings)
    assert_same_weights(weights(tmp_path / "whole"), weights(tmp_path / "stopped"))
    for first, second in zip(undisturbed.history, resumed.history, strict=True):
        assert replace(first, images_per_second=0) == replace(second, images_per_second=0)
    for first, second in zip(
        load_snapshots(tmp_path / "whole"), load_snapshots(tmp_path / "stopped"), strict=True
    ):
        assert (first.epoch, first.bpp, first.psnr) == (second.epoch, second.bpp, second.psnr)


def test_averages_come_back_into_memory_as_their_parameters_lie_there(tmp_path: Path) -> None:
    """Breaks if they come back row by row: the optimiser of a GPU refuses averages that lie otherwise than
    their parameter.
    """
    train(tmp_path)
    trainer = Trainer(TINY, photos().batch)
    run_folder.restore_state(trainer, tmp_path / "state.safetensors")
    shapes = 0
    for parameter, state in trainer.optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            assert state[name].stride() == parameter.stride()
            shapes += parameter.dim() == 4 and not parameter.is_contiguous()
    assert shapes > 4


def test_a_run_does_not_go_on_with_other_photos(tmp_path: Path) -> None:
    """Breaks if a folder of results is taken up for whatever photos are named: their steps would be mixed, or
    nothing done at all.
    """
    for name, value in (("a", 0), ("b", 90)):
        (tmp_path / name).mkdir()
        noise = np.random.default_rng(value).integers(0, 256, (48, 48, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / name / "it.png")
    command = [*SMALL, "--epochs=1", "--steps-per-epoch=2", "--run", str(tmp_path / "run")]
    main([str(tmp_path / "a"), *command])
    (tmp_path / "a").rename(tmp_path / "moved")
    main([str(tmp_path / "moved"), *command])  # the same photos elsewhere
    for other in (
        [str(tmp_path / "b"), *command],
        [str(tmp_path / "moved"), *command, "--weights=equal"],
        command,
    ):
        with pytest.raises(TrainingError, match="learns from something else"):
            main(other)


def test_a_run_stopped_in_the_middle_of_an_update_goes_on_from_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if Ctrl-C between the change of the weights and the counting of the step is saved: that step
    would be done twice.
    """
    train(tmp_path / "whole")
    trainer = Trainer(TINY, photos().batch)
    step = trainer.optimizer.step

    def interrupted(*arguments, **options):
        step(*arguments, **options)
        if trainer.step == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(trainer.optimizer, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(trainer, tmp_path / "stopped", PHOTO, progress=False)
    train(tmp_path / "stopped")
    assert_same_weights(weights(tmp_path / "whole"), weights(tmp_path / "stopped"))


def test_a_run_that_died_between_state_and_snapshot_makes_up_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if the snapshot of the epoch in which a machine went down is missing for ever."""

    class Died(Exception):
        pass

    original = run_folder.take_snapshot

    def dying(model, photo, lmbda, epoch, step):
        if epoch == 2:
            raise Died
        return original(model, photo, lmbda, epoch, step)

    monkeypatch.setattr(run_folder, "take_snapshot", dying)
    with pytest.raises(Died):
        train(tmp_path)
    monkeypatch.undo()
    train(tmp_path)
    assert [taken.epoch for taken in load_snapshots(tmp_path)] == [0, 1, 2, 3]


def test_a_run_that_goes_on_spends_no_time_on_a_linear_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if the start is computed (a quarter of a minute) only for the state to be laid over it, or is
    left out of a new run.
    """
    calls, original = [], start.start_linear
    monkeypatch.setattr(start, "start_linear", lambda *arguments: calls.append(1) or original(*arguments))
    command = [*SMALL, "--epochs=1", "--steps-per-epoch=2", "--linear-start", "--run", str(tmp_path)]
    main(command)
    assert len(calls) == 1
    main(command)
    assert len(calls) == 1


def test_a_finished_run_started_again_changes_nothing(tmp_path: Path) -> None:
    """Breaks if the last epoch is trained once more."""
    train(tmp_path)
    before = weights(tmp_path)
    assert train(tmp_path).step == 12
    assert_same_weights(weights(tmp_path), before)


@pytest.mark.parametrize(
    "change",
    [{"lmbda": 0.02}, {"N": 4}, {"seed": 1}, {"epochs": 5}, {"architecture": "MeanScaleHyperprior"}],
    ids=str,
)
def test_a_run_with_other_settings_is_not_continued(change: dict, tmp_path: Path) -> None:
    """Breaks if two runs are mixed, or the old one is overwritten: the message names old and new value."""
    train(tmp_path)
    before = (tmp_path / "state.safetensors").read_bytes()
    ((name, value),) = change.items()
    with pytest.raises(TrainingError, match="holds a run with other settings") as caught:
        train(tmp_path, replace(TINY, **change))
    assert f"{name} {getattr(TINY, name)!r} there, {value!r} here" in str(caught.value)
    assert (tmp_path / "state.safetensors").read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_a_state_cut_short_is_called_damaged_and_left_as_it_is(share: float, tmp_path: Path) -> None:
    """Breaks if training silently starts from the beginning, over a run of days."""
    train(tmp_path)
    state = tmp_path / "state.safetensors"
    cut = state.read_bytes()[: int(share * state.stat().st_size)]
    state.write_bytes(cut)
    with pytest.raises(
        CheckpointError,
        match=r"state\.safetensors cannot be read as a checkpoint: it is damaged or cut short",
    ):
        train(tmp_path)
    assert state.read_bytes() == cut


def test_a_model_in_place_of_the_state_is_refused(tmp_path: Path) -> None:
    """Breaks if weights alone are taken for a state: the optimiser would start anew."""
    train(tmp_path)
    (tmp_path / "model.safetensors").replace(tmp_path / "state.safetensors")
    with pytest.raises(CheckpointError, match="not of the kind 'jahp-training-1'"):
        train(tmp_path)


@pytest.mark.parametrize("failing", [1, 2])
def test_model_and_history_are_written_whole_or_not_at_all(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if a full disk leaves half a history: model (1st write) and history (2nd) fail in turn."""
    trainer = train(tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    trainer.history *= 2
    calls, fsync = 0, os.fsync

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(28, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(whole_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run_folder.RunFolder(trainer, tmp_path, PHOTO, None, 60, "epochs").write_results()
    assert {file: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()} == before


# --- the command line, killed and in two processes
# ---------------------------------------------------------------------------

SMALL = ["--N=3", "--M=4", "--batch=2", "--patch=32", "--device=cpu", "--threads=1"]
COMMAND = [*SMALL, "--epochs=12", "--steps-per-epoch=4", "--warmup-steps=2"]


def test_a_run_that_was_killed_and_started_again_gives_the_weights_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    """Breaks if the state on disk is ever incomplete, or holds less than a run needs. SIGKILL, the same
    command, exactly equal.
    """
    command = [sys.executable, "-m", "jahp_lib.training", *COMMAND, "--run", str(tmp_path / "killed")]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / "killed" / "state.safetensors"
    while process.poll() is None and not state.exists():
        time.sleep(0.002)
    time.sleep(0.03)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the run ended before it could be killed"
    with safetensors.safe_open(state, framework="pt") as file:
        assert 0 < json.loads(file.metadata()["jahp"])["step"] < 48
    again = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "Going on with" in again.stdout
    main([*COMMAND, "--run", str(tmp_path / "whole")])
    assert_same_weights(weights(tmp_path / "whole"), weights(tmp_path / "killed"))


def test_the_entry_for_torchrun_ends_a_mistake_with_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    """Breaks if it ends in a traceback and exit code 1, where the same mistake of ``jahp train`` ends in a
    sentence."""
    command = [
        sys.executable,
        "-m",
        "jahp_lib.training",
        "no-such-folder",
        *SMALL,
        "--run-folder",
        str(tmp_path),
    ]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("jahp: There is no folder no-such-folder")


def test_two_processes_with_two_parts_each_give_the_weights_of_one_with_all_four(tmp_path: Path) -> None:
    """Breaks if processes draw the same patches, gradients are not averaged, or only one of them steps
    (torchrun, gloo).
    """
    command = [*COMMAND, "--epochs=2", "--batch=4", "--parts=4", "--run-folder"]
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "jahp_lib.training",
    ]
    result = subprocess.run(
        [*torchrun, *command, str(tmp_path / "two")],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    main([*command, str(tmp_path / "one")])
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name in one:
        torch.testing.assert_close(
            two[name], one[name], rtol=1e-4, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    records = [
        json.loads((tmp_path / name / "history.json").read_text())["history"] for name in ("one", "two")
    ]
    for first, second in zip(*records, strict=True):
        assert second["loss"] == pytest.approx(first["loss"], rel=1e-4)


def test_more_processes_than_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if some processes would have nothing to do, and others wait for them."""
    monkeypatch.setattr(distributed.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed.distributed, "get_rank", lambda: 0)
    monkeypatch.setattr(distributed.distributed, "get_world_size", lambda: 2)
    with pytest.raises(
        TrainingError, match="1 parts of a batch cannot be shared by 2 processes: set parts to a multiple"
    ):
        Trainer(TINY, photos().batch)


def test_dead_leaves_take_the_share_they_are_given(tmp_path: Path) -> None:
    """Breaks if the option is ignored: with a share of 1 the run is one on dead leaves alone."""
    main(
        [
            *SMALL,
            "--epochs=1",
            "--steps-per-epoch=2",
            "--dead-leaves=1",
            "--run",
            str(tmp_path / "command line"),
        ]
    )
    settings = Settings(N=3, M=4, epochs=1, steps_per_epoch=2, batch=2, patch=32)
    train(tmp_path / "here", settings, lambda count, rng: dead_leaves(count, 32, rng), fast=True)
    assert_same_weights(weights(tmp_path / "command line"), weights(tmp_path / "here"))


@pytest.mark.parametrize("share", ["-0.1", "1.5", "nan"])
def test_a_share_outside_zero_to_one_is_refused(share: str, tmp_path: Path) -> None:
    """Breaks if the mistake shows as a message about a multinomial distribution."""
    with pytest.raises(ValueError, match="--dead-leaves is a share between 0 and 1"):
        main(["--dead-leaves", share, "--run", str(tmp_path), "--device", "cpu"])
