"""CompressAI's models in ours: against its formulas written out in torch.nn.functional, and against itself if
installed.
"""

from __future__ import annotations

import math
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from jahp_lib.checkpoints import CheckpointError, from_compressai, load, save
from jahp_lib.codec import Codec
from jahp_lib.context import JointModel
from jahp_lib.factorized import FactorizedModel
from jahp_lib.hyperprior import MeanScaleHyperprior
from jahp_lib.original_hyperprior import OriginalScaleHyperprior
from jahp_lib.photos import to_float, to_tensor

N, M = 4, 6
PEDESTAL = 2.0**-36


ARCHITECTURES = {
    "bmshj2018-factorized": FactorizedModel,
    "bmshj2018-hyperprior": OriginalScaleHyperprior,
    "mbt2018-mean": MeanScaleHyperprior,
    "mbt2018": JointModel,
}


def hyper_layers(architecture: str, N: int, M: int) -> dict[str, tuple[int, ...]]:
    """Shapes of what each architecture has beside g_a, g_s and the factorized density."""
    if architecture == "bmshj2018-factorized":
        return {}
    layers = {"h_a.0": (N, M, 3, 3), "h_a.2": (N, N, 5, 5), "h_a.4": (N, N, 5, 5)}
    if architecture == "bmshj2018-hyperprior":
        return layers | {"h_s.0": (N, N, 5, 5), "h_s.2": (N, N, 5, 5), "h_s.4": (M, N, 3, 3)}
    # transposed ones [in, out, 5, 5], the last [out, in, 3, 3]
    layers |= {"h_s.0": (N, M, 5, 5), "h_s.2": (M, M * 3 // 2, 5, 5), "h_s.4": (2 * M, M * 3 // 2, 3, 3)}
    if architecture == "mbt2018":
        widths = [4 * M, M * 10 // 3, M * 8 // 3, 2 * M]
        layers |= {f"entropy_parameters.{2 * k}": (widths[k + 1], widths[k], 1, 1) for k in range(3)}
        layers |= {"context_prediction": (2 * M, M, 5, 5)}
    return layers


# how the tensors of the density are called in version 1.1, 1.2, and in the published files
DENSITY_NAMES = {
    "1.1": ("_matrix{}", "_bias{}", "_factor{}"),
    "1.2": ("matrices.{}", "biases.{}", "factors.{}"),
    "published": ("_matrices.{}", "_biases.{}", "_factors.{}"),
}


def their_state_dict(
    N: int = N, M: int = M, version: str = "1.2", architecture: str = "mbt2018"
) -> dict[str, torch.Tensor]:
    """Random weights under the names, and of the shapes, that CompressAI gives a model of
    this architecture.
    """
    torch.manual_seed(3)
    layers: dict[str, tuple[int, ...]] = {
        f"g_a.{k}": (N if k < 6 else M, N if k else 3, 5, 5) for k in (0, 2, 4, 6)
    }
    layers |= {f"g_s.{k}": (N if k else M, N if k < 6 else 3, 5, 5) for k in (0, 2, 4, 6)}
    layers |= hyper_layers(architecture, N, M)
    transposed = {"g_s.0", "g_s.2", "g_s.4", "g_s.6", "h_s.0", "h_s.2"}
    weights: dict[str, torch.Tensor] = {}
    for name, shape in layers.items():
        weights[f"{name}.weight"] = torch.randn(shape) / math.sqrt(shape[1] * shape[2] * shape[3])
        weights[f"{name}.bias"] = 0.1 * torch.randn(shape[1] if name in transposed else shape[0])
    weights["g_a.6.weight"] *= 20
    if "h_a.4.weight" in weights:
        weights["h_a.4.weight"] *= 5
        weights["h_s.4.bias"] += torch.linspace(-0.5, 2, len(weights["h_s.4.bias"]))
    if architecture == "mbt2018":
        weights["entropy_parameters.4.bias"] += 1.5
        mask = torch.ones(2 * M, M, 5, 5)
        mask[:, :, 2, 2:] = 0
        mask[:, :, 3:] = 0
        weights["context_prediction.mask"] = mask
    for name in ("g_a", "g_s"):
        for k in (1, 3, 5):
            weights[f"{name}.{k}.beta"] = torch.rand(N) + 0.5
            weights[f"{name}.{k}.gamma"] = torch.rand(N, N) * 0.3
            for part in ("beta", "gamma"):
                weights[f"{name}.{k}.{part}_reparam.pedestal"] = torch.tensor([PEDESTAL])
                weights[f"{name}.{k}.{part}_reparam.lower_bound.bound"] = torch.tensor([PEDESTAL**0.5])
    widths, channels = [1, 3, 3, 3, 3, 1], M if architecture == "bmshj2018-factorized" else N
    matrix, bias, factor = (f"entropy_bottleneck.{name}" for name in DENSITY_NAMES[version])
    for k in range(5):
        weights[matrix.format(k)] = torch.randn(channels, widths[k + 1], widths[k])
        weights[bias.format(k)] = torch.randn(channels, widths[k + 1], 1)
        if k < 4:
            weights[factor.format(k)] = torch.randn(channels, widths[k + 1], 1)
    quantiles = torch.tensor([-9.0, 0.0, 9.0]).repeat(channels, 1, 1) + torch.randn(channels, 1, 1)
    weights["entropy_bottleneck.quantiles"] = quantiles
    # what else its files hold, and we have no use for
    for name in ("entropy_bottleneck", "gaussian_conditional"):
        weights |= {
            f"{name}.{rest}": torch.zeros(0, dtype=torch.int32)
            for rest in ("_offset", "_quantized_cdf", "_cdf_length", "likelihood_lower_bound.bound")
        }
    weights["entropy_bottleneck.target"] = torch.tensor([-20.0, 0.0, 20.0])
    weights["gaussian_conditional.scale_table"] = torch.zeros(0)
    return weights


def their_forward(w: dict[str, torch.Tensor], x: torch.Tensor, architecture: str) -> dict[str, torch.Tensor]:
    """CompressAI's forward in evaluation mode, written out: google.py, layers/gdn.py and entropy_models.py of
    version 1.2.
    """

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

    def g_s(values: torch.Tensor) -> torch.Tensor:
        for k in (0, 2, 4, 6):
            values = deconv(f"g_s.{k}", values)
            values = gdn(f"g_s.{k + 1}", values, inverse=True) if k < 6 else values
        return values

    y = x
    for k in (0, 2, 4, 6):
        y = conv(f"g_a.{k}", y, 2)
        y = gdn(f"g_a.{k + 1}", y, inverse=False) if k < 6 else y
    medians = w["entropy_bottleneck.quantiles"][:, 0, 1][:, None, None]

    def cumulative(channel: int, value: torch.Tensor) -> torch.Tensor:
        u = value.double().reshape(1, -1)
        for k in range(5):
            H = F.softplus(w[f"entropy_bottleneck.matrices.{k}"][channel].double())
            u = H @ u + w[f"entropy_bottleneck.biases.{k}"][channel]
            if k < 4:
                u = u + torch.tanh(w[f"entropy_bottleneck.factors.{k}"][channel].double()) * torch.tanh(u)
        return torch.sigmoid(u).reshape(value.shape)

    def bottleneck_bits(values: torch.Tensor) -> torch.Tensor:
        likelihoods = [
            cumulative(c, values[:, c] + 0.5) - cumulative(c, values[:, c] - 0.5) for c in range(len(medians))
        ]
        return -torch.log2(torch.stack(likelihoods, dim=1).clamp_min(1e-9)).float()

    if architecture == "bmshj2018-factorized":
        y_hat = torch.round(y - medians) + medians
        return {"x_hat": g_s(y_hat), "y_hat": y_hat, "y_bits": bottleneck_bits(y_hat)}

    act = F.relu if architecture == "bmshj2018-hyperprior" else F.leaky_relu
    z = y.abs() if architecture == "bmshj2018-hyperprior" else y
    z = conv("h_a.4", act(conv("h_a.2", act(conv("h_a.0", z, 1)), 2)), 2)
    z_hat = torch.round(z - medians) + medians
    psi = conv("h_s.4", act(deconv("h_s.2", act(deconv("h_s.0", z_hat)))), 1)
    seen = None
    if architecture == "bmshj2018-hyperprior":
        scales, means = F.relu(psi), torch.zeros_like(psi)
    elif architecture == "mbt2018-mean":
        scales, means = psi.chunk(2, 1)
    else:
        seen = torch.round(y)
        kernel = w["context_prediction.weight"] * w["context_prediction.mask"]
        phi = F.conv2d(seen, kernel, w["context_prediction.bias"], padding=2)
        u = torch.cat((psi, phi), 1)
        for k in (0, 2, 4):
            u = conv(f"entropy_parameters.{k}", u, 1)
            u = F.leaky_relu(u) if k < 4 else u
        scales, means = u.chunk(2, 1)
    scales = scales.clamp_min(0.11)
    y_hat = torch.round(y - means) + means
    distance = (y_hat - means).abs().double()
    upper, lower = (0.5 - distance) / scales.double(), (-0.5 - distance) / scales.double()
    y_likelihoods = (torch.special.ndtr(upper) - torch.special.ndtr(lower)).clamp_min(1e-9)
    return {
        "x_hat": g_s(y_hat if seen is None else seen),
        "y_hat": y_hat,
        "z_hat": z_hat,
        "means": means,
        "scales": scales,
        "y_bits": -torch.log2(y_likelihoods).float(),
        "z_bits": bottleneck_bits(z_hat),
    }


def relative_error(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Norm of the difference over norm of the truth."""
    return ((ours - theirs).norm() / theirs.norm().clamp_min(1e-30)).item()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("version", "N", "M"), [("1.1", N, M), ("1.2", 5, 3), ("published", 3, 4)])
def test_our_model_computes_what_compressai_s_formulas_do(
    architecture: str, version: str, N: int, M: int
) -> None:
    """Breaks if a name is mapped wrongly, h_s's last kernel is not turned, scales and means are not
    exchanged, medians are lost.
    """
    model = from_compressai(their_state_dict(N, M, version, architecture))
    assert type(model) is ARCHITECTURES[architecture]
    x = torch.rand(2, 3, 64, 128)
    with torch.inference_mode():
        ours, theirs = model(x), their_forward(their_state_dict(N, M, "1.2", architecture), x, architecture)
    assert theirs["y_hat"].std() > 1
    if "z_hat" in theirs:
        assert theirs["z_hat"].std() > 0.5
        assert (theirs["scales"] > 0.2).any()
        assert theirs["scales"].std() > 0.1
    for name, expected in theirs.items():
        assert relative_error(getattr(ours, name), expected) < 1e-4, name


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_converted_model_codes_real_files_and_is_saved_and_loaded(
    architecture: str, tmp_path: Path
) -> None:
    """Breaks if the codec's exact form of h_s has another activation, or the file does not say which
    architecture it is.
    """
    model = from_compressai(their_state_dict(architecture=architecture))
    save(model, tmp_path / "it")
    back = load(tmp_path / "it")
    assert type(back) is type(model)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8))
    codec = Codec(back)
    encoding = codec.encode(image)
    decoding = Codec(model).decode(encoding.blob)
    assert torch.equal(decoding.y_hat, encoding.y_hat)
    if architecture != "mbt2018":  # whose one pass is an estimate: the codec walks position by position
        with torch.inference_mode():
            estimate = back(to_float(to_tensor(image))[None])
        assert (encoding.y_hat - estimate.y_hat[0]).abs().max() < 0.01
        bits = float(estimate.y_bits.sum() + estimate.z_bits.sum())
        assert 8 * encoding.header.length == pytest.approx(bits, rel=0.1, abs=200)


@pytest.mark.parametrize("around", ["epoch", "lightning", "compiled"])
def test_a_whole_checkpoint_is_understood(around: str) -> None:
    """Breaks if what CompressAI's own training writes is said to lack a tensor."""
    theirs = their_state_dict()
    checkpoint: dict[str, object] = {
        "epoch": {"epoch": 3, "state_dict": theirs, "loss": 1.5, "optimizer": {"state": {}}},
        "lightning": {"model": theirs},
        "compiled": {f"_orig_mod.{name}": tensor for name, tensor in theirs.items()},
    }[around]  # type: ignore[assignment]
    torch.testing.assert_close(from_compressai(checkpoint).state_dict(), from_compressai(theirs).state_dict())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("model.pth.tar", r"not a str\. torch\.load\(path, weights_only=True\)"),
        (torch.nn.Linear(1, 1), "not a Linear"),
        ({"epoch": 3, "loss": 1.5}, "what there is: 'epoch', 'loss'"),
    ],
)
def test_what_holds_no_weights_is_said_to_be_something_else(given: object, words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        from_compressai(given)  # type: ignore[arg-type]


def test_weights_of_a_model_that_has_more_parts_are_refused() -> None:
    """Breaks if what is unknown is dropped: a model with gains would come out without them."""
    with pytest.raises(CheckpointError, match=r"mbt2018: that has no 'Gain' \(1 tensors are unknown\)"):
        from_compressai({**their_state_dict(), "Gain": torch.ones(3)})


def test_weights_that_claim_to_be_huge_take_no_memory() -> None:
    """Breaks if a model is made before its sizes are compared: these 1.4 MB claim 30,000 channels, 100 GB of
    weights.
    """
    huge = {
        **their_state_dict(),
        "g_a.0.weight": torch.zeros(30_000, 3, 1, 1),
        "g_a.6.weight": torch.zeros(30_000, 1, 1, 1),
    }
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), hard))
    try:
        with pytest.raises(CheckpointError, match=r"\d+ have another shape"):
            from_compressai(huge)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


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
    """Breaks if another of CompressAI's models, which lacks one, ends in a traceback or keeps
    random weights.
    """
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
    with pytest.raises(CheckpointError, match=r"not the weights of CompressAI's .*what there is: nothing"):
        from_compressai({})


CLASSES = {
    "bmshj2018-factorized": "FactorizedPrior",
    "bmshj2018-hyperprior": "ScaleHyperprior",
    "mbt2018-mean": "MeanScaleHyperprior",
    "mbt2018": "JointAutoregressiveHierarchicalPriors",
}


@pytest.mark.parametrize("architecture", CLASSES)
@pytest.mark.parametrize(("N", "M", "height", "width"), [(6, 9, 64, 64), (8, 4, 192, 128)])
def test_our_model_computes_what_compressai_s_own_does(
    architecture: str, N: int, M: int, height: int, width: int, tmp_path: Path
) -> None:
    """The same against the real thing, from a file of torch.save. Breaks if the mapping or our reading of its
    code is wrong.
    """
    google = pytest.importorskip(
        "compressai.models.google", reason="CompressAI is not installed (make peers)"
    )
    torch.manual_seed(5)
    theirs = getattr(google, CLASSES[architecture])(N, M).eval()
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            parameter.add_(torch.randn_like(parameter) * (0.02 if "gamma" in name else 0.1))
        theirs.g_a[6].weight.mul_(8)
        if hasattr(theirs, "h_a"):
            theirs.h_a[4].weight.mul_(3)
            theirs.h_s[4].bias.add_(1.5)
    torch.save(theirs.state_dict(), tmp_path / "it.pth.tar")
    model = from_compressai(torch.load(tmp_path / "it.pth.tar", weights_only=True))
    assert type(model) is ARCHITECTURES[architecture]
    x = torch.rand(1, 3, height, width)
    with torch.inference_mode():
        ours, expected = model(x), theirs(x)
    assert ours.y_hat.std() > 1
    assert relative_error(ours.x_hat, expected["x_hat"]) < 1e-4
    assert relative_error(ours.y_bits, -expected["likelihoods"]["y"].log2()) < 1e-4
    if "z" in expected["likelihoods"]:
        assert relative_error(ours.z_bits, -expected["likelihoods"]["z"].log2()) < 1e-4
