"""Layers for training on a processor: values and gradients of the plain ones, weights under the same
names."""

from __future__ import annotations

import copy
import platform
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch

from jahp_lib.gdn import GDN
from jahp_lib.masked_conv import MaskedConv2d
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.training.extras import fast_layers
from jahp_lib.training.extras.fast_layers import FastContext, FastGDN, FastLastLayer, speed_up
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

Lively = Callable[..., LatentModel]


def with_gradients(layer: torch.nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    """The layer's output, and the gradients of a sum in which every output has a weight of its own."""
    x = x.clone().requires_grad_()
    y = layer(x)
    weights = torch.linspace(-1, 1, y.numel()).view(y.shape)
    return [y, *torch.autograd.grad((y * weights).sum(), [x, *layer.parameters()])]


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (40, 33)])
def test_gdn_by_blocks_has_the_values_and_gradients_of_gdn(
    inverse: bool, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if a gradient is derived wrongly, or a block at the end is left out."""
    monkeypatch.setattr(fast_layers, "COLUMNS", 100)  # 1,320 positions are no multiple of it
    plain = GDN(6, inverse)
    with torch.no_grad():
        plain.gamma_root.add_(0.3 * torch.rand(6, 6))
        plain.beta_root.add_(torch.rand(6))
    fast = copy.deepcopy(plain)
    fast.__class__ = FastGDN
    x = 3 * torch.randn(2, 6, *size)
    for ours, theirs in zip(with_gradients(fast, x), with_gradients(plain, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("kernel_size", [3, 5, (3, 7)])
def test_the_context_without_its_zero_taps_is_the_masked_convolution(kernel_size: int | tuple) -> None:
    """Breaks if the two pieces are shifted against each other, or a tap is lost."""
    sides = (kernel_size, kernel_size) if isinstance(kernel_size, int) else kernel_size
    plain = MaskedConv2d("A", 3, 4, kernel_size, padding=tuple(side // 2 for side in sides))
    fast = copy.deepcopy(plain)
    fast.__class__ = FastContext
    x = torch.randn(2, 3, 6, 5)
    for ours, theirs in zip(with_gradients(fast, x), with_gradients(plain, x), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("architecture", ["FactorizedModel", "JointModel"])
def test_a_whole_model_trains_alike_with_fast_layers(architecture: str, lively: Lively) -> None:
    """Breaks if a layer is exchanged that is another one than the fast form computes, or weights change
    their names."""
    plain = VariableRate(lively(architecture)).train()
    fast = copy.deepcopy(plain)
    speed_up(fast)
    assert {type(layer) for layer in fast.modules()} >= {FastGDN, FastLastLayer}
    assert any(isinstance(layer, FastContext) for layer in fast.modules()) == (architecture == "JointModel")
    assert list(fast.state_dict()) == list(plain.state_dict())
    assert fast.config == plain.config
    x, lmbdas = torch.rand(2, 3, 48, 32), torch.tensor([0.01, 0.1])
    losses = []
    for model in (plain, fast):
        torch.manual_seed(0)
        loss = rate_distortion_loss(model(x, lmbdas), x, lmbdas).loss
        loss.backward()
        losses.append(loss)
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-4, atol=0)
    for (name, ours), theirs in zip(fast.named_parameters(), plain.parameters(), strict=True):
        assert ours.grad is not None
        assert theirs.grad is not None
        error = (ours.grad - theirs.grad).norm() / theirs.grad.norm().clamp_min(1e-6)
        assert error < 1e-3, name


def test_without_padding_no_layer_is_exchanged_that_would_change_its_size(lively: Lively) -> None:
    """Breaks if the last layer of a model with padding "valid" is taken for the usual one."""
    model = lively("FactorizedModel", padding="valid")
    speed_up(model)
    assert not isinstance(model.g_s[-1], FastLastLayer)


FAULTS = """
import resource, sys, torch
from jahp_lib.training.extras.fast_layers import keep_memory

if sys.argv[1] == "keep":
    assert keep_memory()
torch.zeros(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    torch.zeros(2**24).add_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator can be told so")
def test_kept_memory_is_not_asked_for_again() -> None:
    """Breaks if each large tensor is still fetched from the system, page by page: 64 MiB are 16,384 pages."""
    results = [
        int(subprocess.run([sys.executable, "-c", FAULTS, word], capture_output=True, check=True).stdout)
        for word in ("give", "keep")
    ]
    if results[0] < 5 * 8000:
        pytest.skip("this system has pages so large that there is nothing to save")
    assert results[1] < results[0] / 4
