"""What all tests share: a fixed start of torch's randomness, and small models whose latents are not all
zero."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from jahp_lib.checkpoints import MODELS
from jahp_lib.factorized import update_medians
from jahp_lib.transforms import LatentModel, ModelOutput

# Tensors of the tests are small: a second thread would cost more time waiting than it saves, more so on a
# busy machine.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _same_random_numbers_every_time() -> None:
    torch.manual_seed(0)


@pytest.fixture
def lively() -> Callable[..., LatentModel]:
    """``lively("JointModel", N=4, M=6)``: a small model in evaluation mode with random weights everywhere.

    Fresh models give latents that all round to zero, hide exchanged tensors behind equal values, and have
    means near 0 and scales at their bound. These don't: latents spread over some ten integers, and no two
    parameters are alike.
    """

    def make(architecture: str, N: int = 4, M: int = 6, padding: str = "same", seed: int = 1) -> LatentModel:
        torch.manual_seed(seed)
        model = MODELS[architecture](N, M, padding)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.add_(torch.randn_like(parameter) * (0.02 if "gamma" in name else 0.1))
            model.g_a[6].weight.mul_(6)
            if hasattr(model, "h_a"):
                model.h_a[4].weight.mul_(3)
                model.h_s[4].bias.add_(torch.linspace(0.2, 3, len(model.h_s[4].bias)))
        update_medians(model)
        return model.eval()

    return make


@pytest.fixture
def code() -> Callable[..., ModelOutput]:
    """``code(model, y)``: what a model's forward pass makes of a given latent y [B, M, h, w]."""

    def run(model: LatentModel, y: Tensor) -> ModelOutput:
        with patch.object(model, "analyse", lambda x, lmbda=None: y):
            return model(torch.zeros(y.shape[0], 3, 16 * y.shape[2], 16 * y.shape[3]))

    return run
