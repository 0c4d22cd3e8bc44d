"""A run's folder: one training at a time, good weights that stay, and going on across versions of the
library.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from PIL import Image

import jahp_lib
from jahp_lib.checkpoints import load, read_tensors, write_tensors
from jahp_lib.photos.one_photo import to_float
from jahp_lib.photos.patches import PhotoSet, sample_set
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.snapshots import load_snapshots
from jahp_lib.training import Settings, Trainer, TrainingError, main, run
from jahp_lib.training.extras.divergence import LossWatch
from jahp_lib.training.extras.lock import locked
from jahp_lib.training.run_folder import is_log_spaced
from jahp_lib.training.state import STATE_FORMAT, restore_state, save_state

TINY = Settings(N=3, M=4, epochs=3, steps_per_epoch=4, batch=2, patch=32, warmup_steps=2)
PHOTO = torch.linspace(0, 1, 3 * 32 * 48).reshape(1, 3, 32, 48)
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(jahp_lib.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
COMMAND = ["--N=3", "--M=4", "--batch=2", "--patch=32", "--device=cpu", "--threads=1", "--steps-per-epoch=4"]


def patches(count: int, rng: np.random.Generator) -> torch.Tensor:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 60, 70), dtype=np.uint8)
    return PhotoSet([torch.from_numpy(pixels)], 32).batch(count, rng)


def train(folder: Path, settings: Settings = TINY, source=patches, **options) -> Trainer:
    trainer = Trainer(settings, source)
    run(trainer, folder, PHOTO, progress=False, **options)
    return trainer


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "model.safetensors")


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def rewrite_state(folder: Path, change) -> None:
    """Let ``change(tensors, header)`` alter the state of a run, as if another version had written it."""
    tensors, header = read_tensors(folder / "state.safetensors", STATE_FORMAT)
    change(tensors, header)
    write_tensors(folder / "state.safetensors", tensors, header)


# --- one training at a time --------------------------------------------------------------------------------


def test_a_second_training_in_a_folder_is_refused_until_the_first_has_ended_however_it_ends(
    tmp_path: Path,
) -> None:
    """Breaks if both write to it and one is lost, or if a training that was killed leaves the folder
    locked.
    """
    command = [
        sys.executable,
        "-m",
        "jahp_lib.training",
        *COMMAND,
        "--epochs=100000",
        "--run",
        str(tmp_path / "run"),
    ]
    first = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while first.poll() is None and not (tmp_path / "run" / "state.safetensors").exists():
            time.sleep(0.01)
        with pytest.raises(TrainingError, match=r"Another training is writing to .*run"):
            train(tmp_path / "run")
        with pytest.raises(TrainingError, match=r"Another training is writing to .*run"):
            main([*COMMAND, "--epochs=100000", "--run", str(tmp_path / "run")])
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    with locked(tmp_path / "run"):
        pass


def test_a_folder_is_free_again_after_a_training_that_failed(tmp_path: Path) -> None:
    """Breaks if the lock outlives an error in the same process, as in a notebook."""

    def broken(count: int, rng: np.random.Generator) -> torch.Tensor:
        raise OSError("no more photos")

    with pytest.raises(OSError, match="no more photos"):
        train(tmp_path, source=broken)
    assert train(tmp_path).step == 12


# --- a training that goes astray
# -----------------------------------------------------------------------------


def test_a_training_that_diverges_leaves_good_weights_and_goes_on_from_them_with_a_lower_learning_rate(
    tmp_path: Path,
) -> None:
    """Breaks if a loss of millions is written over what was good, or the way out that the message names is
    refused.
    """
    source = sample_set(32).batch
    settings = replace(TINY, N=4, M=6, epochs=20, steps_per_epoch=10, warmup_steps=3000, learning_rate=10.0)
    x = to_float(source(16, np.random.default_rng(5)))

    def loss_on_disk() -> float:
        trainer = Trainer(settings, source)
        restore_state(trainer, tmp_path / "state.safetensors")
        trainer.model.eval()
        with torch.inference_mode():
            return rate_distortion_loss(trainer.model(x), x, settings.lmbda).loss.item()

    with pytest.raises(TrainingError, match=r"training has diverged .* Lower the learning rate") as caught:
        train(tmp_path, settings, source)
    assert "in the same folder: it goes on from the last good weights" in str(caught.value)
    assert loss_on_disk() < 1000  # it was millions at the end
    model = load(tmp_path / "model.safetensors")
    assert rate_distortion_loss(model(x), x, settings.lmbda).loss.item() < 1000
    calmer = train(tmp_path, replace(settings, learning_rate=1e-3, warmup_steps=0), source)
    assert calmer.step == 200
    assert calmer.history[-1].loss < 100


def test_weights_are_those_of_before_when_a_step_shows_that_training_has_diverged() -> None:
    """Breaks if the step is made first and looked at afterwards: the weights are then not numbers any
    more.
    """
    trainer = Trainer(TINY, patches)
    next(trainer.epochs(progress=False))
    before = {name: tensor.clone() for name, tensor in trainer.model.named_parameters()}
    trainer.model.g_s[6].bias.register_hook(lambda gradient: gradient * float("nan"))
    with pytest.raises(TrainingError, match="its gradient is nan long"):
        list(trainer.epochs(progress=False))
    for name, tensor in trainer.model.named_parameters():
        assert torch.equal(tensor, before[name]), name


def test_unlucky_batches_are_not_taken_for_divergence_and_a_loss_that_stays_up_is() -> None:
    """Breaks if single batches, however bad, stop a training or keep it from being saved, or nothing does."""
    rng = np.random.default_rng(0)
    watch, healthy = LossWatch(), []
    for step in range(20_000):
        level = 1 + 200 * np.exp(-step / 300)
        spike = 1e6 if step % 1000 == 500 else 1.0
        watch.update(level * rng.lognormal(0, 1) * spike, 0.013)
        assert not watch.diverged
        healthy.append(watch.healthy)
    assert np.mean(healthy) > 0.99
    for _ in range(30):
        watch.update(1e7, 0.013)
    assert watch.diverged


def test_a_multiplier_that_raises_lmbda_is_not_taken_for_divergence() -> None:
    """Breaks if losses at different λ are compared as they are."""
    watch = LossWatch()
    for lmbda in np.geomspace(0.001, 1.0, 2000):
        watch.update(0.5 + 65025 * lmbda * 1e-3, lmbda)
        assert watch.healthy


# --- going on across versions
# ----------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["clip", "seed", "optimizer", "ema", "minutes"])
def test_a_run_of_a_version_that_did_not_know_a_setting_goes_on(field: str, tmp_path: Path) -> None:
    """Breaks if every new field makes all older runs useless: what they did not know had its default."""
    train(tmp_path)
    rewrite_state(tmp_path, lambda tensors, header: header["settings"].pop(field))
    assert train(tmp_path).step == 12
    with pytest.raises(TrainingError, match="other settings"):
        train(tmp_path, replace(TINY, seed=3, clip=0.5, optimizer="soap", ema=0.5, minutes=1.0))


def test_a_state_written_by_the_first_version_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    """Breaks if weights or Adam's averages under their old names are not found."""
    train(tmp_path / "whole")
    (tmp_path / "old").mkdir()
    trainer = Trainer(TINY, patches)
    epochs = trainer.epochs(progress=False)
    next(epochs), next(epochs)
    save_state(trainer, tmp_path / "old" / "state.safetensors")

    def as_the_first_version(tensors: dict[str, torch.Tensor], header: dict) -> None:
        for name in [name for name in tensors if name.startswith("optimizer.")]:
            _, _, index, key = name.split(".")
            tensors[f"adam.{index}.{key}"] = tensors.pop(name)
        for key in ("optimizer", "watch", "seconds"):
            del header[key]
        for key in ("optimizer", "minutes", "ema"):
            del header["settings"][key]
        header["history"] = [
            {name: value for name, value in record.items() if name != "validation"}
            for record in header["history"]
        ]

    rewrite_state(tmp_path / "old", as_the_first_version)
    assert train(tmp_path / "old").step == 12
    assert_same(weights(tmp_path / "old"), weights(tmp_path / "whole"))


def test_a_run_of_a_newer_version_is_refused_by_naming_what_is_unknown(tmp_path: Path) -> None:
    """Breaks if a setting that changes what is learned is passed over in silence."""
    train(tmp_path)
    rewrite_state(tmp_path, lambda tensors, header: header["settings"].update(dropout=0.5))
    with pytest.raises(TrainingError, match=r"settings unknown here \(dropout\): a newer version made it"):
        train(tmp_path)


def test_a_run_that_goes_on_with_another_learning_rate_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Breaks if the change passes unseen."""
    main([*COMMAND, "--epochs=1", "--run", str(tmp_path)])
    main([*COMMAND, "--epochs=1", "--learning-rate=1e-4", "--run", str(tmp_path)])
    assert "learning_rate 0.001 there, 0.0001 here" in capsys.readouterr().out
    assert json.loads((tmp_path / "history.json").read_text())["settings"]["learning_rate"] == 1e-4


# --- what is in it
# -----------------------------------------------------------------------------------------------


def test_a_record_of_a_model_for_every_lmbda_names_none(tmp_path: Path) -> None:
    """Breaks if it shows the lower end of the range, as if the model had been trained for it."""
    train(tmp_path / "range", replace(TINY, lmbda=0.0018, lmbda_max=0.18))
    train(tmp_path / "one")
    for folder, lmbda in (("range", None), ("one", TINY.lmbda)):
        history = json.loads((tmp_path / folder / "history.json").read_text())["history"]
        assert [record["lmbda"] for record in history] == [lmbda] * 3


def test_snapshots_in_log_time_follow_the_channels_that_are_strongest_at_the_end(tmp_path: Path) -> None:
    """Breaks if a film strip shows another channel in every picture, or a snapshot is not that of its step's
    weights.
    """
    trainer = train(tmp_path, replace(TINY, M=9, epochs=3, learning_rate=0.01), snapshots="log")
    shots = load_snapshots(tmp_path)
    assert [shot.step for shot in shots] == [0, 1, 2, 3, 5, 7, 10, 12]
    assert [shot.epoch for shot in shots] == [0, 0, 0, 0, 1, 1, 2, 3]
    for shot in shots:
        np.testing.assert_array_equal(shot.channels, shots[-1].channels)
    trainer.model.eval()
    with torch.inference_mode():
        bits = trainer.model(PHOTO).y_bits[0].sum((1, 2))
    assert shots[-1].channels.tolist() == bits.argsort(descending=True)[:4].tolist()
    assert len({shot.latents.tobytes() for shot in shots}) > 4


def test_steps_in_log_time_grow_by_a_constant_factor() -> None:
    """Breaks if early steps are missing, or late ones crowd."""
    steps = [step for step in range(100_000) if is_log_spaced(step)]
    assert steps[:6] == [0, 1, 2, 3, 5, 7]
    ratios = np.divide(steps[12:], steps[11:-1])
    assert (abs(ratios - 1.4) < 0.02).all()


# --- photos and what is none
# -----------------------------------------------------------------------------------


def test_training_in_the_photos_own_folder_goes_on_after_an_evaluation_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if curves or decoded pictures count as new photos: the run then 'learns from something else'."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    monkeypatch.chdir(tmp_path)
    main([".", *COMMAND, "--epochs=1"])
    results = tmp_path / "runs" / "evaluation"
    results.mkdir()
    for name in ("measurements.csv", "results.json"):
        (results / name).write_text("")
    Image.fromarray(noise).save(results / "curves.png")
    Image.fromarray(noise).save(tmp_path / "a.decoded.png")
    main([".", *COMMAND, "--epochs=1"])
    Image.fromarray(noise).save(tmp_path / "curves.png")  # a photo that happens to have this name
    with pytest.raises(TrainingError, match="learns from something else"):
        main([".", *COMMAND, "--epochs=1"])


def test_a_state_holds_every_setting(tmp_path: Path) -> None:
    """Breaks if a setting is left out, so that a run goes on with another one unnoticed."""
    train(tmp_path)
    with safetensors.safe_open(tmp_path / "state.safetensors", framework="pt") as file:
        assert json.loads(file.metadata()["jahp"])["settings"] == asdict(TINY)
