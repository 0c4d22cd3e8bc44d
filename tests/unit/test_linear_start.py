"""The linear start: a transform that brings the picture back before any training."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from jahp_lib.checkpoints import MODELS
from jahp_lib.factorized import FactorizedModel
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.one_photo import to_float
from jahp_lib.photos.patches import sample_set
from jahp_lib.training import Settings, Trainer
from jahp_lib.training.extras.linear_start import best_step, principal_components, start_linear


@pytest.fixture(scope="module")
def patches() -> torch.Tensor:
    return to_float(dead_leaves(40, 96, np.random.default_rng(0)))


def error(model: FactorizedModel, x: torch.Tensor) -> float:
    with torch.inference_mode():
        return float((model.g_s(model.g_a(x)) - x).square().mean())


def test_with_enough_channels_the_picture_comes_back_nearly_whole(patches):
    """Breaks if g_s does not undo g_a at any of its layers: 12, 48, 192 and 768 channels hold everything."""
    model = FactorizedModel(N=192, M=768)
    start_linear(model, patches)
    # GDN is not exactly undone by its inverse; nothing else is lost
    assert 10 * math.log10(1 / error(model, patches[:4])) > 40


def test_with_few_channels_the_error_is_what_the_best_linear_transform_leaves(patches):
    """Breaks if the wrong components are kept: with 12 and 48 channels the first two layers lose nothing, the
    third keeps N of 4 N.
    """
    N = 48
    model = FactorizedModel(N=N, M=4 * N)
    start_linear(model, patches)
    blocks = torch.nn.functional.pixel_unshuffle(patches - patches.mean((0, 2, 3))[:, None, None], 8)
    rows = blocks.transpose(0, 1).flatten(1).double()
    eigenvalues = torch.linalg.eigvalsh(rows @ rows.T / rows.shape[1])
    left_out = float(eigenvalues[:-N].sum()) / 192
    assert error(model, patches) == pytest.approx(left_out, rel=0.15)


def test_training_starts_from_it_and_is_far_ahead_of_a_random_start(patches):
    x = patches[:2]
    errors = {}
    for linear in (False, True):
        settings = Settings(
            "FactorizedModel", N=16, M=24, patch=64, batch=4, epochs=1, steps_per_epoch=1, linear_start=linear
        )
        trainer = Trainer(settings, sample_set(64).batch)
        errors[linear] = error(trainer.model, x)
    assert errors[True] < 0.3 * errors[False]


@pytest.mark.parametrize("architecture", MODELS)
def test_every_model_can_start_so_and_learns_on(architecture):
    settings = Settings(
        architecture,
        N=8,
        M=12,
        patch=32,
        batch=2,
        epochs=1,
        steps_per_epoch=3,
        lmbda=0.0018,
        lmbda_max=0.18,
        linear_start=True,
    )
    trainer = Trainer(settings, sample_set(32).batch)
    before = trainer.model.model.g_a[2].weight.detach().clone()
    for record in trainer.epochs(progress=False):
        assert math.isfinite(record.loss)
    assert not torch.equal(before, trainer.model.model.g_a[2].weight)


def test_the_start_does_not_depend_on_the_range_of_lmbda_where_gains_follow_it():
    """Would break if y were scaled for the middle of the range and then once more by the gain."""
    starts = []
    for low, high in ((0.0018, 0.18), (0.05, 0.15)):
        settings = Settings(
            "FactorizedModel",
            N=8,
            M=12,
            patch=32,
            batch=2,
            epochs=1,
            steps_per_epoch=1,
            lmbda=low,
            lmbda_max=high,
            linear_start=True,
        )
        starts.append(Trainer(settings, sample_set(32).batch).model.model.g_a[-1].weight)
    assert torch.equal(*starts)


def test_the_step_is_where_the_derivative_of_the_lagrangian_is_zero():
    step = torch.tensor(best_step(0.013), dtype=torch.float64, requires_grad=True)
    # a pixel has three coefficients, and its error is the mean of three
    (3 * -torch.log2(step) + 0.013 * 255**2 * step**2 / 12).backward()
    assert abs(float(step.grad)) < 1e-9 * 0.013 * 255**2


def test_principal_components_are_orthonormal_and_sorted():
    values = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 6, 8, 8))) * torch.arange(
        1, 7
    ).view(6, 1, 1)
    vectors = principal_components(values, 4)
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(4, dtype=torch.float64))
    energies = torch.einsum("kc,nchw->nkhw", vectors, values).square().mean((0, 2, 3))
    assert (energies.diff() < 0).all()


@pytest.mark.parametrize(
    ("model", "side", "words"),
    [
        (FactorizedModel(2, 3, padding="valid"), 32, "padding='same'"),
        (FactorizedModel(2, 3), 40, "multiples of 16, not 40x40"),
    ],
)
def test_what_cannot_be_is_refused(model, side, words):
    with pytest.raises(ValueError, match=words):
        start_linear(model, torch.zeros(1, 3, side, side))
