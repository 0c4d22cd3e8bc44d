"""Lesson 12. The model that a run starts from."""

from __future__ import annotations

import math

import torch
from torch import nn

from jahp_lib.checkpoints import build, load_weights
from jahp_lib.photos.one_photo import to_float
from jahp_lib.photos.patches import Source
from jahp_lib.training.extras.linear_start import start_linear
from jahp_lib.training.settings import Settings
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import LMBDA_MAX, LMBDA_MIN, VariableRate

LINEAR_START_PATCHES = 256
TRANSFORMS = {"g_a", "g_s", "gain", "inverse_gain"}


def starting_model(
    settings: Settings, patches: Source, start: nn.Module | None = None, goes_on: bool = False
) -> LatentModel | VariableRate:
    """The model of the settings with fresh weights, a linear start, or the weights of ``start``.

    Args:
        patches: where the linear start learns from.
        goes_on: the weights of a state on disk will follow, so no time is spent on a linear start.

    Raises:
        CheckpointError: ``start`` is of another architecture.
    """
    with torch.random.fork_rng(devices=[]):  # the caller's own randomness stays as it was
        torch.manual_seed(settings.seed)
        model = build(settings.config)
        if settings.linear_start and start is None and not goes_on:
            rng, _ = settings.randomness(settings.steps, 0)  # of a step that never comes
            # the λ whose gain is 1 before training, where there are gains
            middle = settings.lmbda if settings.lmbda_max is None else math.sqrt(LMBDA_MIN * LMBDA_MAX)
            side = settings.patch // 16 * 16
            start_linear(
                model.base, to_float(patches(LINEAR_START_PATCHES, rng).cpu())[..., :side, :side], middle
            )
    if start is not None:
        load_weights(model, start.state_dict(), "The model to start from")
    model.base.rounds_in_training = settings.mixed_quantization
    if settings.entropy_model_only:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not TRANSFORMS.intersection(name.split(".")))
    return model
