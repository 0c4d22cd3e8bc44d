"""What a training can do besides: the clock, a moving average, a validation set, SOAP, TensorBoard; memory
and compiler.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import jahp_lib
from jahp_lib.checkpoints import load, read_tensors
from jahp_lib.photos import patches as patches_module
from jahp_lib.photos.one_photo import to_float
from jahp_lib.photos.patches import PhotoSet
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.training import (
    Callback,
    Settings,
    Trainer,
    TrainingError,
    loop,
    main,
    one_thread,
    run,
)
from jahp_lib.training.extras import devices
from jahp_lib.training.extras.devices import memory_of_a_step
from jahp_lib.training.extras.validation import Validation
from jahp_lib.training.sources import Sources

TINY = Settings(N=3, M=4, epochs=3, steps_per_epoch=4, batch=2, patch=32, warmup_steps=2)
PHOTO = torch.linspace(0, 1, 3 * 32 * 48).reshape(1, 3, 32, 48)
COMMAND = ["--N=3", "--M=4", "--batch=2", "--patch=32", "--device=cpu", "--threads=1", "--steps-per-epoch=4"]


def patches(count: int, rng: np.random.Generator) -> torch.Tensor:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 60, 70), dtype=np.uint8)
    return PhotoSet([torch.from_numpy(pixels)], 32).batch(count, rng)


def photo_folder(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")
    return folder


# --- the clock ---------------------------------------------------------------------------------------------


def clock(monkeypatch: pytest.MonkeyPatch, seconds_a_step: float) -> None:
    """Let the loop's clock say that every step takes so long."""
    times = iter(np.arange(100_000) * seconds_a_step)
    monkeypatch.setattr(loop, "time", SimpleNamespace(perf_counter=lambda: float(next(times))))


def test_with_minutes_a_run_ends_by_the_clock_and_the_learning_rate_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if epochs end it, or the schedule counts steps. A minute in steps of 6 s is 10 steps, an epoch
    of 4 and so on.
    """
    clock(monkeypatch, 6.0)
    trainer, rates = Trainer(replace(TINY, minutes=1.0, epochs=1, warmup_steps=0), patches), []
    step = trainer.train_step
    trainer.train_step = lambda: (step(), rates.append(trainer.optimizer.param_groups[0]["lr"]))[0]
    run(trainer, tmp_path, PHOTO, progress=False)
    assert trainer.step == 10
    assert [record.step for record in trainer.history] == [4, 8, 10]
    expected = 1e-6 + (1e-3 - 1e-6) * np.cos(np.arange(10) / 10 * math.pi / 2) ** 2
    np.testing.assert_allclose(rates, expected, rtol=1e-6)


def test_the_clock_counts_what_was_trained_and_not_the_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if a run that goes on has its whole time again, or none left."""
    settings, left = replace(TINY, minutes=1.0), 5

    def stopping(count: int, rng: np.random.Generator) -> torch.Tensor:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return patches(count, rng)

    clock(monkeypatch, 6.0)
    with pytest.raises(KeyboardInterrupt):
        run(Trainer(settings, stopping), tmp_path, PHOTO, progress=False)
    clock(monkeypatch, 12.0)  # half a minute is left: 2.5 steps
    trainer = Trainer(settings, patches)
    run(trainer, tmp_path, PHOTO, progress=False)
    assert trainer.step == 5 + 3
    again = Trainer(settings, patches)
    run(again, tmp_path, PHOTO, progress=False)
    assert again.step == 8


# --- the moving average
# --------------------------------------------------------------------------------------


def test_what_is_written_is_the_moving_average_of_the_weights_and_says_so(tmp_path: Path) -> None:
    """Breaks if the average is computed otherwise, or the last weights are written in its place."""
    trainer = Trainer(replace(TINY, ema=0.6), patches)
    kernels, average = [], None
    step = trainer.optimizer.step

    def watched() -> None:
        step()
        kernels.append(trainer.model.g_a[0].weight.detach().clone())

    trainer.optimizer.step = watched
    run(trainer, tmp_path, PHOTO, progress=False)
    for n, kernel in enumerate(kernels):
        share = min(0.6, (1 + n) / (10 + n))
        average = kernel if average is None else share * average + (1 - share) * kernel
    written = load(tmp_path / "model.safetensors").g_a[0].weight
    torch.testing.assert_close(written, average.contiguous())
    assert not torch.allclose(written, kernels[-1])
    card = read_tensors(tmp_path / "model.safetensors", "jahp-model-1")[1]["card"]
    assert card["weights"] == "moving average with decay 0.6"


# --- the validation set
# ---------------------------------------------------------------------------------------


def test_the_weights_of_the_epoch_with_the_least_validation_loss_are_kept(tmp_path: Path) -> None:
    """Breaks if the last epoch's are kept, or the loss is not that of fixed patches, rounded and without
    noise.
    """
    fixed = patches(20, np.random.default_rng(7))
    settings = replace(TINY, epochs=8)

    class Spoiler(Callback):
        """Makes the weights worse in epoch 6, so that the last ones are not the best."""

        def after_step(self, trainer: Trainer) -> None:
            if trainer.step == 21:
                with torch.no_grad():
                    trainer.model.g_s[6].bias.sub_(0.2)

    trainer = Trainer(settings, patches, validation=Validation(fixed, settings), callbacks=[Spoiler()])
    run(trainer, tmp_path, PHOTO, progress=False)
    losses = [record.validation for record in trainer.history]
    best = int(np.argmin(losses))
    assert best < 7

    def loss(name: str) -> float:
        with torch.no_grad():
            x = to_float(fixed)
            return rate_distortion_loss(load(tmp_path / name)(x), x, settings.lmbda).loss.item()

    assert loss("best.safetensors") == pytest.approx(losses[best], rel=1e-4)
    assert loss("model.safetensors") == pytest.approx(losses[-1], rel=1e-4)
    assert trainer.model.training
    history = json.loads((tmp_path / "history.json").read_text())["history"]
    assert [record["validation"] for record in history] == losses


def test_a_model_for_every_lmbda_is_validated_over_the_whole_range() -> None:
    """Breaks if it is judged at one λ only."""
    settings = replace(TINY, lmbda=0.002, lmbda_max=0.2)
    lmbdas = Validation(patches(8, np.random.default_rng(0)), settings).lmbdas
    np.testing.assert_allclose(
        np.log(lmbdas.numpy() / 0.002) / np.log(100), (np.arange(8) + 0.5) / 8, rtol=1e-5
    )


def test_photos_kept_aside_are_never_trained_on(tmp_path: Path) -> None:
    """Breaks if a photo is in both sets or in none, or the choice depends on where the folder lies."""
    folder = photo_folder(tmp_path / "photos", 10)
    trained, aside = Sources(str(folder), validation="0.3").divided()
    assert len(aside) == 3
    assert sorted(trained + aside) == sorted(folder.iterdir())
    folder.rename(tmp_path / "moved")
    elsewhere = Sources(str(tmp_path / "moved"), validation="0.3").divided()[1]
    assert [file.name for file in elsewhere] == [file.name for file in aside]


def test_the_command_keeps_a_share_aside_and_writes_the_best_weights(tmp_path: Path) -> None:
    """Breaks if the option does not reach the run."""
    folder = photo_folder(tmp_path / "photos", 4)
    main([str(folder), *COMMAND, "--epochs=2", "--validation=0.5", "--run", str(tmp_path / "run")])
    assert load(tmp_path / "run" / "best.safetensors").config["M"] == 4
    with pytest.raises(TrainingError, match="learns from something else"):
        main([str(folder), *COMMAND, "--epochs=2", "--run", str(tmp_path / "run")])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--validation=nowhere"], "is a folder of photos, or a share"),
        (["--validation=1.5"], "is a folder of photos, or a share"),
        (["--validation=0.5"], "needs a folder of photos"),
    ],
)
def test_a_validation_set_that_cannot_be_is_refused(options: list[str], words: str, tmp_path: Path) -> None:
    """Breaks if the mistake shows after hours, or as an error about a file."""
    with pytest.raises(ValueError, match=words):
        main([*COMMAND, *options, "--run", str(tmp_path / "run")])


def test_losses_at_a_moving_lmbda_are_not_compared() -> None:
    """Breaks if the 'best' weights are those of the smallest λ."""
    with pytest.raises(ValueError, match="moves λ"):
        Validation(torch.zeros(1), replace(TINY, multiplier="log-ascent", target_bpp=0.5))


# --- packages that may be missing
# ------------------------------------------------------------------------------


def test_soap_trains_with_the_settings_that_were_measured() -> None:
    """Breaks if another optimiser is taken, its usual weight decay is left on, or the loss does not fall."""
    package = pytest.importorskip("pytorch_optimizer", reason="SOAP's package is not installed")
    settings = replace(TINY, N=8, M=12, batch=4, steps_per_epoch=20, optimizer="soap", learning_rate=3e-3)
    trainer = Trainer(settings, patches)
    assert type(trainer.optimizer) is package.SOAP
    group = trainer.optimizer.param_groups[0]
    assert (group["betas"], group["weight_decay"]) == ((0.95, 0.95), 0.0)
    assert (group["precondition_frequency"], group["max_precondition_dim"]) == (20, 2000)
    first, _, last = trainer.epochs(progress=False)
    assert last.loss < 0.7 * first.loss


def test_without_its_package_soap_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_optimizer", None)
    with pytest.raises(TrainingError, match=r"pip install pytorch-optimizer, or take --optimizer adam"):
        Trainer(replace(TINY, optimizer="soap"), patches)


def test_without_its_package_tensorboard_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(TrainingError, match="TensorBoard is not installed"):
        main([*COMMAND, "--epochs=1", "--tensorboard", "--run", str(tmp_path / "run")])


def test_tensorboard_is_told_the_figures_of_every_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if a figure goes under another name or step. A stand-in for TensorBoard, which need not be
    installed.
    """
    told: dict[tuple[str, int], float] = {}

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            assert folder == str(tmp_path / "run" / "tensorboard")

        def add_scalar(self, name: str, value: float, step: int) -> None:
            told[name, step] = value

        def flush(self) -> None:
            pass

    stand_in = ModuleType("torch.utils.tensorboard")
    stand_in.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", stand_in)
    main([*COMMAND, "--epochs=2", "--tensorboard", "--run", str(tmp_path / "run")])
    history = json.loads((tmp_path / "run" / "history.json").read_text())["history"]
    for record in history:
        assert told["loss", record["step"]] == record["loss"]
        assert told["PSNR", record["step"]] == record["psnr"]
    assert {step for _, step in told} == {4, 8}


# --- memory, compiler, threads
# ----------------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{}, {"lmbda_max": 0.1}, {"parts": 2}], ids=str)
def test_the_memory_of_a_step_is_what_backward_keeps_and_four_copies_of_the_weights(change: dict) -> None:
    """Breaks if the estimate counts something twice or forgets it: compared with what a real forward pass
    keeps.
    """
    settings = replace(TINY, N=8, M=12, batch=4, patch=64, **change)
    trainer, kept = Trainer(settings, patches), []
    x = torch.rand(settings.batch // settings.parts, 3, 64, 64)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda t: t):
        trainer.model(x, settings.lmbda)
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in kept}
    weights = sum(parameter.numel() for parameter in trainer.model.parameters())
    expected = sum(storages.values()) + 16 * weights
    assert memory_of_a_step(settings) == pytest.approx(expected, rel=0.1)


def test_a_step_that_does_not_fit_is_refused_before_a_photo_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if all photos are decoded first, or the run is killed by the system in the middle."""
    folder = photo_folder(tmp_path / "photos", 2)
    monkeypatch.setattr(devices, "free_memory", lambda device: 1e5)
    monkeypatch.setattr(
        patches_module, "open_for_patches", lambda file, patch: pytest.fail(f"{file} was read")
    )
    with pytest.raises(TrainingError, match=r"A step takes about .* GB are free\. Take a smaller batch"):
        main([str(folder), *COMMAND, "--epochs=1", "--run", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


def test_compiling_without_a_compiler_ends_in_a_sentence(tmp_path: Path) -> None:
    """Breaks if the user sees the traceback of torch.compile, after all photos were read."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(jahp_lib.__file__).parents[1]),
        "OMP_NUM_THREADS": "1",
        "CXX": "no-such-compiler",
        "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache"),
    }
    command = [
        sys.executable,
        "-m",
        "jahp_lib.training",
        *COMMAND,
        "--compile",
        "--run",
        str(tmp_path / "run"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "torch.compile does not work here" in done.stderr
    assert "leave --compile out" in done.stderr
    assert not (tmp_path / "run").exists()


def test_one_thread_is_given_back_whatever_happens() -> None:
    """Breaks if a lesson's tiny loop leaves everything after it on one thread."""
    torch.set_num_threads(2)
    try:
        inside = []

        def failing() -> None:
            with one_thread():
                inside.append(torch.get_num_threads())
                raise KeyError

        with pytest.raises(KeyError):
            failing()
        assert inside == [1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
