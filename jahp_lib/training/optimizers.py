"""Lesson 12. The optimisers a run can use."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from jahp_lib.training.settings import Settings, TrainingError


def make_optimizer(
    settings: Settings, parameters: Iterable[nn.Parameter], device: torch.device
) -> torch.optim.Optimizer:
    """Adam, or SOAP: Adam in the eigenbases that Shampoo's preconditioner has, which needs fewer steps, each
    more expensive.

    Sources: Kingma & Ba 2015; Vyas et al. 2024, "SOAP: Improving and stabilizing Shampoo using Adam".

    Raises:
        TrainingError: SOAP is asked for, and its package is not installed.
    """
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=settings.learning_rate, fused=device.type == "cuda")
    try:
        from pytorch_optimizer import SOAP
    except ImportError as error:
        raise TrainingError(
            "The optimiser SOAP comes in a package of its own: pip install pytorch-optimizer, or take "
            "--optimizer adam."
        ) from error
    return SOAP(
        parameters,
        lr=settings.learning_rate,
        betas=(0.95, 0.95),
        weight_decay=0.0,
        precondition_frequency=20,
        max_precondition_dim=2000,
    )
