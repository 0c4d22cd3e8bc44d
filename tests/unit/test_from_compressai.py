"""CompressAI's mbt2018 in our JointModel: against its formulas written out in torch.nn.functional, and against itself if installed."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from jahp_lib.checkpoints import CheckpointError, from_compressai
from jahp_lib.context import JointModel

N, M = 4, 6
PEDESTAL = 2.0**-36


def their_state_dict(N: int = N, M: int = M, version: str = "1.2") -> dict[str, torch.Tensor]:
    """Random weights under the names, and of the shapes, that CompressAI 1.1 or 1.2 gives an mbt2018 model."""
    torch.manual_seed(3)
    layers = {f"g_a.{k}": (N if k < 6 else M, N if k else 3, 5, 5) for k in (0, 2, 4, 6)}
    layers |= {
        f"g_s.{k}": (N if k else M, N if k < 6 else 3, 5, 5) for k in (0, 2, 4, 6)
    }  # transposed: [in, out, 5, 5]
    layers |= {"h_a.0": (N, M, 3, 3), "h_a.2": (N, N, 5, 5), "h_a.4": (N, N, 5, 5)}
    layers |= {
        "h_s.0": (N, M, 5, 5),
        "h_s.2": (M, M * 3 // 2, 5, 5),
        "h_s.4": (2 * M, M * 3 // 2, 3, 3),
    }  # the last: [out, in, 3, 3]
    widths = [4 * M, M * 10 // 3, M * 8 // 3, 2 * M]
    layers |= {f"entropy_parameters.{2 * k}": (widths[k + 1], widths[k], 1, 1) for k in range(3)}
    layers |= {"context_prediction": (2 * M, M, 5, 5)}
    transposed = {"g_s.0", "g_s.2", "g_s.4", "g_s.6", "h_s.0", "h_s.2"}
    weights: dict[str, torch.Tensor] = {}
    for name, shape in layers.items():
        weights[f"{name}.weight"] = torch.randn(shape) / math.sqrt(shape[1] * shape[2] * shape[3])
        weights[f"{name}.bias"] = 0.1 * torch.randn(shape[1] if name in transposed else shape[0])
    weights["g_a.6.weight"] *= 20
    weights["h_a.4.weight"] *= 5
    weights["entropy_parameters.4.bias"] += 1.5
    for name in ("g_a", "g_s"):
        for k in (1, 3, 5):
            weights[f"{name}.{k}.beta"] = torch.rand(N) + 0.5
            weights[f"{name}.{k}.gamma"] = torch.rand(N, N) * 0.3
    mask = torch.ones(2 * M, M, 5, 5)
    mask[:, :, 2, 2:] = 0
    mask[:, :, 3:] = 0
    weights["context_prediction.mask"] = mask
    modern = version == "1.2"
    widths = [1, 3, 3, 3, 3, 1]
    for k in range(5):
        weights[f"entropy_bottleneck.{'matrices.' if modern else '_matrix'}{k}"] = torch.randn(
            N, widths[k + 1], widths[k]
        )
        weights[f"entropy_bottleneck.{'biases.' if modern else '_bias'}{k}"] = torch.randn(
            N, widths[k + 1], 1
        )
        if k < 4:
            weights[f"entropy_bottleneck.{'factors.' if modern else '_factor'}{k}"] = torch.randn(
                N, widths[k + 1], 1
            )
    weights["entropy_bottleneck.quantiles"] = torch.tensor([-9.0, 0.0, 9.0]).repeat(N, 1, 1) + torch.randn(
        N, 1, 1
    )
    # what else its files hold, and we have no use for
    for name in ("entropy_bottleneck", "gaussian_conditional"):
        weights |= {
            f"{name}.{rest}": torch.zeros(0, dtype=torch.int32)
            for rest in ("_offset", "_quantized_cdf", "_cdf_length")
        }
    weights["entropy_bottleneck.target"] = torch.tensor([-20.0, 0.0, 20.0])
    weights["gaussian_conditional.scale_table"] = torch.zeros(0)
    return weights


def their_forward(w: dict[str, torch.Tensor], x: torch.Tensor) -> dict[str, torch.Tensor]:
    """CompressAI's forward in evaluation mode, written out: google.py, layers/gdn.py and entropy_models.py of version 1.2."""

    def gdn(name: str, values: torch.Tensor, inverse: bool) -> torch.Tensor:
        beta = w[f"{name}.beta"].clamp_min((1e-6 + PEDESTAL) ** 0.5) ** 2 - PEDESTAL
        gamma = w[f"{name}.gamma"].clamp_min(PEDESTAL**0.5) ** 2 - PEDESTAL
        energy = torch.einsum("ij,bjhw->bihw", gamma, values**2) + beta[:, None, None]
        return values * (energy.sqrt() if inverse else energy.rsqrt())

    def conv(name: str, values: torch.Tensor, stride: int) -> torch.Tensor:
        weight = w[f"{name}.weight"]
        return F.conv2d(values, weight, w[f"{name}.bias"], stride, weight.shape[-1] // 2)

    def deconv(name: str, values: torch.Tensor) -> torch.Tensor:
        return F.conv_transpose2d(values, w[f"{name}.weight"], w[f"{name}.bias"], 2, 2, output_padding=1)

    y = x
    for k in (0, 2, 4, 6):
        y = conv(f"g_a.{k}", y, 2)
        y = gdn(f"g_a.{k + 1}", y, inverse=False) if k < 6 else y
    z = conv("h_a.4", F.leaky_relu(conv("h_a.2", F.leaky_relu(conv("h_a.0", y, 1)), 2)), 2)

    medians = w["entropy_bottleneck.quantiles"][:, 0, 1][:, None, None]
    z_hat = torch.round(z - medians) + medians

    def cumulative(channel: int, value: torch.Tensor) -> torch.Tensor:
        u = value.double().reshape(1, -1)
        for k in range(5):
            u = (
                F.softplus(w[f"entropy_bottleneck.matrices.{k}"][channel].double()) @ u
                + w[f"entropy_bottleneck.biases.{k}"][channel]
            )
            if k < 4:
                u = u + torch.tanh(w[f"entropy_bottleneck.factors.{k}"][channel].double()) * torch.tanh(u)
        return torch.sigmoid(u).reshape(value.shape)

    z_likelihoods = torch.stack(
        [cumulative(c, z_hat[:, c] + 0.5) - cumulative(c, z_hat[:, c] - 0.5) for c in range(len(medians))],
        dim=1,
    ).clamp_min(1e-9)

    psi = conv("h_s.4", F.leaky_relu(deconv("h_s.2", F.leaky_relu(deconv("h_s.0", z_hat)))), 1)
    phi = F.conv2d(
        torch.round(y),
        w["context_prediction.weight"] * w["context_prediction.mask"],
        w["context_prediction.bias"],
        padding=2,
    )
    u = torch.cat((psi, phi), 1)
    for k in (0, 2, 4):
        u = conv(f"entropy_parameters.{k}", u, 1)
        u = F.leaky_relu(u) if k < 4 else u
    scales, means = u.chunk(2, 1)
    scales = scales.clamp_min(0.11).double()
    distance = (torch.round(y - means) + means - means).abs().double()
    upper, lower = (0.5 - distance) / scales, (-0.5 - distance) / scales
    y_likelihoods = (torch.special.ndtr(upper) - torch.special.ndtr(lower)).clamp_min(1e-9)

    x_hat = torch.round(y)
    for k in (0, 2, 4, 6):
        x_hat = deconv(f"g_s.{k}", x_hat)
        x_hat = gdn(f"g_s.{k + 1}", x_hat, inverse=True) if k < 6 else x_hat
    return {
        "x_hat": x_hat,
        "y_hat": torch.round(y - means) + means,
        "z_hat": z_hat,
        "means": means,
        "scales": scales.float(),
        "y_bits": -torch.log2(y_likelihoods).float(),
        "z_bits": -torch.log2(z_likelihoods).float(),
    }


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Norm of the difference over norm of the truth."""
    return ((ours - theirs).norm() / theirs.norm()).item()


@pytest.mark.parametrize("version", ["1.1", "1.2"])
@pytest.mark.parametrize(("N", "M"), [(N, M), (5, 3)])
def test_our_model_computes_what_compressai_s_formulas_do(version: str, N: int, M: int) -> None:
    """Breaks if a name is mapped wrongly, h_s's last kernel is not turned, scales and means are not exchanged, or medians are lost."""
    model = from_compressai(their_state_dict(N, M, version))
    x = torch.rand(2, 3, 64, 128)
    with torch.inference_mode():
        ours, theirs = model(x), their_forward(their_state_dict(N, M, "1.2"), x)
    assert theirs["y_hat"].std() > 1
    assert theirs["z_hat"].std() > 0.5
    for name, expected in theirs.items():
        assert relative_error(getattr(ours, name), expected) < 1e-4, name


def test_names_as_data_parallel_training_writes_them_are_understood() -> None:
    """Breaks if ``module.`` in front of every name is not taken off."""
    theirs = their_state_dict()
    first, second = (
        from_compressai({f"module.{name}": tensor for name, tensor in theirs.items()}),
        from_compressai(theirs),
    )
    torch.testing.assert_close(first.state_dict(), second.state_dict())


def test_n_and_m_are_read_off_the_weights_and_the_model_is_ready_to_evaluate() -> None:
    """Breaks if the published sizes are assumed."""
    model = from_compressai(their_state_dict(5, 3))
    assert (type(model), model.N, model.M, model.padding, model.training) == (JointModel, 5, 3, "same", False)


def test_their_weights_are_left_as_they_were() -> None:
    """Breaks if a conversion works in place: the caller may still want to run the other model."""
    theirs = their_state_dict()
    from_compressai(theirs).g_a[0].weight.data.zero_()
    torch.testing.assert_close(theirs, their_state_dict())


@pytest.mark.parametrize(
    "name",
    [
        "g_a.0.weight",
        "g_a.3.gamma",
        "context_prediction.weight",
        "entropy_bottleneck.quantiles",
        "h_s.4.weight",
    ],
)
def test_a_missing_tensor_is_named(name: str) -> None:
    """Breaks if another of CompressAI's models, which lacks one, ends in a traceback or keeps random weights."""
    theirs = their_state_dict()
    del theirs[name]
    with pytest.raises(
        CheckpointError, match=rf"not the weights of CompressAI's mbt2018: '{name}' is missing"
    ):
        from_compressai(theirs)


@pytest.mark.parametrize(
    "name",
    [
        "h_a.0.weight",
        "g_a.0.weight",
        "h_s.4.weight",
        "entropy_bottleneck.quantiles",
        "entropy_parameters.4.bias",
    ],
)
def test_a_tensor_of_another_shape_is_refused(name: str) -> None:
    """Breaks if shapes are broadcast, or a tensor of other dimensions ends in an error from inside torch."""
    with pytest.raises(CheckpointError):
        from_compressai({**their_state_dict(), name: torch.zeros(7)})


def test_an_empty_state_dict_is_refused() -> None:
    """Breaks if a model with random weights comes back."""
    with pytest.raises(CheckpointError, match="not the weights of CompressAI's mbt2018"):
        from_compressai({})


@pytest.mark.parametrize(("height", "width"), [(64, 64), (192, 128)])
@pytest.mark.parametrize(("N", "M"), [(6, 9), (8, 4)])
def test_our_model_computes_what_compressai_s_own_does(N: int, M: int, height: int, width: int) -> None:
    """The same against the real thing, with perturbed weights. Breaks if either the mapping or our reading of its code is wrong."""
    google = pytest.importorskip(
        "compressai.models.google", reason="CompressAI is not installed (make peers)"
    )
    torch.manual_seed(5)
    theirs = google.JointAutoregressiveHierarchicalPriors(N, M).eval()
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            parameter.add_(torch.randn_like(parameter) * (0.02 if "gamma" in name else 0.1))
        theirs.g_a[6].weight.mul_(8)
        theirs.h_a[4].weight.mul_(3)
        theirs.entropy_parameters[4].bias.add_(1.5)
    captured: dict[str, torch.Tensor] = {}
    theirs.entropy_parameters.register_forward_hook(lambda _, __, out: captured.update(both=out))
    x = torch.rand(1, 3, height, width)
    model = from_compressai(theirs.state_dict())
    with torch.inference_mode():
        ours, expected = model(x), theirs(x)
    scales, means = captured["both"].chunk(2, 1)
    assert ours.y_hat.std() > 1
    assert relative_error(ours.x_hat, expected["x_hat"]) < 1e-4
    assert relative_error(ours.means, means) < 1e-4
    assert relative_error(ours.scales, scales.clamp_min(0.11)) < 1e-4
    assert relative_error(ours.y_bits, -expected["likelihoods"]["y"].log2()) < 1e-4
    assert relative_error(ours.z_bits, -expected["likelihoods"]["z"].log2()) < 1e-4
