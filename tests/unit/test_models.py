"""The ladder of models: sizes, quantisation in both modes, what depends on what, and the original
implementation's table."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import norm
from torch._subclasses.fake_tensor import FakeTensorMode

from jahp_lib.checkpoints import MODELS
from jahp_lib.context import JointModel
from jahp_lib.hyperprior import SCALE_BOUND
from jahp_lib.masked_conv import MaskedConv2d
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.transforms import ModelOutput

WITH_Z = [name for name in MODELS if name not in ("FactorizedModel", "ContextModel")]
SIZES = [(1, 1), (1, 40), (40, 1), *np.random.default_rng(0).integers(1, 100, (57, 2)).tolist()]


def gaussian_bits_by_hand(coded: torch.Tensor, means: torch.Tensor, scales: torch.Tensor) -> np.ndarray:
    """Bits from scipy in float64, with the bound of 1e-9."""
    distance = (coded.detach().double() - means.detach().double()).abs().numpy()
    sigma = scales.detach().double().numpy()
    mass = norm.cdf((0.5 - distance) / sigma) - norm.cdf((-0.5 - distance) / sigma)
    return -np.log2(np.maximum(mass, 1e-9))


# --- sizes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", MODELS)
def test_images_of_sixty_sizes_from_one_pixel_up_come_back_at_their_own_size(
    architecture: str, lively
) -> None:
    """Breaks if padding, cropping or a layer's stride is off for any parity of the sides;

    y and z have the documented shapes.
    """
    model = lively(architecture, N=4, M=6)
    rng = np.random.default_rng(1)
    for height, width in SIZES:
        x = torch.from_numpy(rng.random((1, 3, height, width))).float()
        with torch.inference_mode():
            out = model(x)
        h, w = math.ceil(height / 16), math.ceil(width / 16)
        assert out.x_hat.shape == x.shape
        assert out.y_hat.shape == out.y_bits.shape == (1, 6, h, w)
        if architecture not in WITH_Z:
            assert (out.means is None) == (out.scales is None) == (architecture == "FactorizedModel")
            assert out.z_bits.numel() == out.z_hat.numel() == 0
        else:
            assert out.means.shape == out.scales.shape == out.y_hat.shape
            assert out.z_hat.shape == out.z_bits.shape == (1, 4, math.ceil(h / 4), math.ceil(w / 4))
        for values in (out.x_hat, out.y_bits, out.z_bits):
            assert torch.isfinite(values).all()
        assert (out.y_bits >= 0).all()
        assert (out.z_bits >= 0).all()


@pytest.mark.parametrize("architecture", MODELS)
def test_the_smallest_model_with_one_channel_works(architecture: str) -> None:
    """Breaks if a width derived from M, such as 3M/2, becomes zero."""
    assert MODELS[architecture](1, 1)(torch.rand(1, 3, 5, 5)).x_hat.shape == (1, 3, 5, 5)


# Layer, output of a 765x765 image and number of parameters, as the original implementation published them.
ORIGINAL = [
    ("g_a.0", (192, 381, 381), 14_592),
    ("g_a.2", (192, 189, 189), 921_792),
    ("g_a.4", (192, 93, 93), 921_792),
    ("g_a.6", (192, 45, 45), 921_792),
    ("h_a.0", (192, 43, 43), 331_968),
    ("h_a.2", (192, 21, 21), 921_792),
    ("h_a.4", (192, 9, 9), 921_792),
    ("context_prediction", (384, 45, 45), 1_843_584),
    ("h_s.0", (192, 21, 21), 921_792),
    ("h_s.2", (288, 43, 43), 1_382_688),
    ("h_s.4", (384, 45, 45), 995_712),
    ("entropy_parameters.0", (640, 45, 45), 492_160),
    ("entropy_parameters.2", (512, 45, 45), 328_192),
    ("entropy_parameters.4", (384, 45, 45), 196_992),
    ("g_s.0", (192, 93, 93), 921_792),
    ("g_s.2", (192, 189, 189), 921_792),
    ("g_s.4", (192, 381, 381), 921_792),
    ("g_s.6", (3, 765, 765), 14_403),
]


@pytest.fixture(scope="module")
def without_padding() -> tuple[dict[str, tuple[int, ...]], dict[str, int], ModelOutput]:
    """Output shapes and parameter counts of every layer of the full-size model, from forward hooks.

    The tensors are torch's fake ones: it computes all shapes as in earnest, but no numbers, of which there
    would be 10^11.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    counts: dict[str, int] = {}
    with FakeTensorMode():
        model = JointModel(192, 192, padding="valid").eval()
        for name, layer in model.named_modules():
            if isinstance(layer, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                counts[name] = sum(parameter.numel() for parameter in layer.parameters())
                layer.register_forward_hook(
                    lambda _, __, out, name=name: shapes.update({name: tuple(out.shape[1:])})
                )
        out = model(torch.zeros(1, 3, 765, 765))
    return shapes, counts, out


@pytest.mark.parametrize(("layer", "shape", "count"), ORIGINAL, ids=[row[0] for row in ORIGINAL])
def test_without_padding_every_layer_is_the_original_implementation_s(
    layer: str, shape: tuple, count: int, without_padding
) -> None:
    """Breaks if a kernel, stride, width, bias or padding of "valid" differs from the published table."""
    shapes, counts, _ = without_padding
    assert shapes[layer] == shape
    assert counts[layer] == count


def test_without_padding_the_whole_is_13896419_parameters_and_nothing_is_missing_from_the_table(
    without_padding,
) -> None:
    """Breaks if a layer is added that the original does not have.

    GDN and the factorized density are not counted there.
    """
    shapes, counts, out = without_padding
    assert set(counts) == set(shapes) == {row[0] for row in ORIGINAL}
    assert sum(counts.values()) == 13_896_419
    assert out.x_hat.shape == (1, 3, 765, 765)


@pytest.mark.parametrize("architecture", MODELS)
def test_without_padding_the_smallest_image_comes_back_at_its_own_size(architecture: str, lively) -> None:
    """Breaks if "valid" fits only the full model, or only 765 pixels: every side of 64 k + 189 does."""
    model = lively(architecture, 2, 3, padding="valid")
    x = torch.rand(1, 3, 253, 317)
    with torch.inference_mode():
        out = model(x)
    assert out.x_hat.shape == x.shape
    assert out.y_hat.shape == (1, 3, 13, 17)
    assert torch.isfinite(out.y_bits).all()


@pytest.mark.parametrize(
    ("height", "width"), [(189, 253), (253, 254), (252, 253), (764, 765), (16, 16), (1, 1)]
)
def test_without_padding_another_size_is_refused_with_a_sentence(height: int, width: int) -> None:
    """Breaks if a size that cannot come back is let through: x_hat would be smaller than x."""
    model = JointModel(1, 1, padding="valid")
    with pytest.raises(ValueError, match=rf"not {height}x{width}\. Use padding='same'"):
        model(torch.zeros(1, 3, height, width))


# --- what is coded ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", MODELS)
def test_training_adds_noise_below_one_half_and_evaluation_rounds(architecture: str, lively, code) -> None:
    """Breaks if the modes are exchanged: rounding has no gradient, and noise is no file."""
    model = lively(architecture)
    y = model.analyse(torch.rand(2, 3, 64, 80))
    coding = code(model, y)
    offsets = {
        "FactorizedModel": lambda: model.prior.medians[None, :, None, None],
        **dict.fromkeys(("MeanScaleHyperprior", "ContextModel", "JointModel"), lambda: coding.means),
    }
    offset = offsets.get(architecture, lambda: 0.0)()
    torch.testing.assert_close(coding.y_hat, (y - offset).round() + offset)
    assert y.std() > 1  # else rounding would give zeros, and this test prove nothing
    model.train()
    first, second = code(model, y).y_hat, code(model, y).y_hat
    for noisy in (first, second):
        assert 0.4 < (noisy - y).abs().max() <= 0.5 + 1e-5
    assert not torch.equal(first, second)


@pytest.mark.parametrize("architecture", WITH_Z)
def test_z_is_rounded_around_its_medians_in_evaluation_and_noisy_in_training(
    architecture: str, lively, code
) -> None:
    """Breaks if the medians are ignored, or z keeps its exact value in training, which no file could hold."""
    model = lively(architecture)
    model.prior.medians.copy_(torch.linspace(-0.4, 0.4, model.N))
    y = model.analyse(torch.rand(2, 3, 64, 80))
    z = model.hyper_analyse(y)
    medians = model.prior.medians[None, :, None, None]
    torch.testing.assert_close(code(model, y).z_hat, (z - medians).round() + medians)
    noise = code(model.train(), y).z_hat - z
    assert 0.3 < noise.abs().max() <= 0.5 + 1e-5
    assert noise.unique().numel() > noise.numel() / 2


@pytest.mark.parametrize("architecture", WITH_Z)
@pytest.mark.parametrize("training", [False, True])
def test_bits_of_y_are_those_of_its_gaussians(architecture: str, training: bool, lively, code) -> None:
    """Breaks if bits are counted of another value than the coded one:

    y_hat in training, round(y - means) + means in evaluation.
    """
    model = lively(architecture).train(training)
    y = model.analyse(torch.rand(1, 3, 64, 64))
    out = code(model, y)
    coded = out.y_hat
    np.testing.assert_allclose(
        out.y_bits.detach(), gaussian_bits_by_hand(coded, out.means, out.scales), rtol=1e-3, atol=1e-3
    )
    assert out.y_bits.std() > 0.1


@pytest.mark.parametrize("architecture", [name for name in MODELS if name != "ContextModel"])
def test_bits_of_the_factorized_part_are_those_of_its_density(architecture: str, lively) -> None:
    """Breaks if z (or y, on the first rung) is charged before quantising, or not at all."""
    model = lively(architecture)
    out = model(torch.rand(1, 3, 40, 40))
    coded, bits = (out.y_hat, out.y_bits) if architecture == "FactorizedModel" else (out.z_hat, out.z_bits)
    torch.testing.assert_close(bits, model.prior(coded))
    assert bits.sum() > 0


@pytest.mark.parametrize("architecture", MODELS)
def test_the_picture_is_made_of_the_quantised_latent_alone(architecture: str, lively) -> None:
    """Breaks if g_s sees the unquantised latent: pictures would be better than any file can hold."""
    model = lively(architecture)
    x = torch.rand(1, 3, 33, 47)
    out = model(x)
    with_context = architecture in ("ContextModel", "JointModel")
    seen = model.analyse(x).round() if with_context else out.y_hat  # one pass: see JointModel
    torch.testing.assert_close(model.g_s(seen)[..., :33, :47], out.x_hat)


def test_the_scale_hyperprior_has_zero_means_and_reads_magnitudes(lively, code) -> None:
    """Breaks if h_a reads signs, or means are learned on this rung."""
    model = lively("ScaleHyperprior")
    y = 5 * torch.randn(1, 6, 8, 8)
    first, second = code(model, y), code(model, -y)
    assert (first.means == 0).all()
    torch.testing.assert_close(first.z_hat, second.z_hat)
    torch.testing.assert_close(first.scales, second.scales)


@pytest.mark.parametrize("architecture", WITH_Z)
def test_scales_are_never_below_their_bound_and_vary_above_it(architecture: str, lively) -> None:
    """Breaks if raw scales are used: a negative scale makes the bits nan."""
    scales = lively(architecture)(torch.rand(1, 3, 64, 64)).scales
    assert scales.min() >= SCALE_BOUND - 1e-7
    assert scales.unique().numel() > 10


def test_mean_scale_hyperprior_takes_means_from_the_first_half_of_psi(lively, code) -> None:
    """Breaks if means and scales are exchanged: the order is that of published weights."""
    model = lively("MeanScaleHyperprior")
    y = model.analyse(torch.rand(1, 3, 64, 64))
    out = code(model, y)
    psi = model.h_s(out.z_hat)[..., :4, :4]
    torch.testing.assert_close(out.means, psi[:, :6])
    torch.testing.assert_close(out.scales, psi[:, 6:].clamp_min(0.11))


def test_joint_model_s_means_and_scales_are_its_networks_written_out(lively, code) -> None:
    """Breaks if the context is made of y instead of y_hat, psi and phi are exchanged, or the mask is
    missing."""
    model = lively("JointModel")
    y = model.analyse(torch.rand(1, 3, 64, 80))
    out = code(model, y)
    layer = model.context_prediction
    weight = layer.weight.clone().detach()
    weight[:, :, 2, 2:] = 0
    weight[:, :, 3:] = 0
    phi = F.conv2d(y.round(), weight, layer.bias, padding=2)
    psi = model.h_s(out.z_hat)[..., :4, :5]
    both = model.entropy_parameters(torch.cat((psi, phi), 1))
    torch.testing.assert_close(out.means, both[:, :6])
    torch.testing.assert_close(out.scales, both[:, 6:].clamp_min(0.11))
    torch.testing.assert_close(out.y_hat, (y - out.means).round() + out.means)


# --- who depends on whom ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 3), (2, 0), (3, 4), (5, 6)])
def test_means_and_scales_depend_on_what_was_decoded_before_and_nothing_later(
    row: int, column: int, lively, code
) -> None:
    """Breaks if the decoder would need a latent before it has it. Gradients through ``code``, z's path cut by
    a zero layer.

    In training mode y_hat is y plus noise, so that gradients with respect to y are those with respect to
    y_hat.
    """
    model = lively("JointModel").train()
    torch.nn.init.zeros_(model.h_s[4].weight)  # psi is now constant: what is left goes through the context
    torch.nn.init.constant_(
        model.entropy_parameters[4].bias, 5.0
    )  # scales above their bound, where gradients pass
    y = torch.randn(1, 6, 6, 7, requires_grad=True)
    out = code(model, y)
    for values in (out.means, out.scales):
        (gradient,) = torch.autograd.grad(values[0, :, row, column].sum(), y, retain_graph=True)
        seen = {(i, j) for i, j in (gradient != 0).any(1)[0].nonzero().tolist()}
        near = {
            (i, j)
            for i in range(row - 2, row + 1)
            for j in range(column - 2, column + 3)
            if i >= 0 and 0 <= j < 7
        }
        assert seen == {place for place in near if place < (row, column)}


def test_with_z_the_whole_neighbourhood_informs_means_and_scales(lively, code) -> None:
    """Breaks if psi is left out of the entropy parameters: then z would be sent for nothing."""
    model = lively("JointModel").train()
    y = torch.randn(1, 6, 6, 7, requires_grad=True)
    (gradient,) = torch.autograd.grad(code(model, y).means[0, :, 0, 0].sum(), y)
    assert (gradient[0, :, 1:] != 0).any()


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize("bfloat16", [False, True])
def test_every_parameter_learns_and_every_gradient_is_finite(
    architecture: str, bfloat16: bool, lively
) -> None:
    """Breaks if a part is cut from the loss, or a gradient overflows;

    in float32 and under bfloat16 autocast.
    """
    model = lively(architecture).train()
    x = torch.rand(2, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        out = model(x)
        loss = rate_distortion_loss(out, x, 0.013).loss
    loss.backward()
    assert out.y_bits.dtype == out.z_bits.dtype == torch.float32
    assert torch.isfinite(out.y_bits).all()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert (parameter.grad != 0).any(), name


@pytest.mark.parametrize("architecture", WITH_Z)
@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize("size", [1e2, 1e4])
def test_latents_far_from_their_means_have_finite_bits_and_gradients(
    architecture: str, bfloat16: bool, size: float, lively, code
) -> None:
    """Breaks if an early or diverging model turns into nan at once:

    |y - μ| up to 1e4, many scales at their bound.
    """
    model = lively(architecture).train()
    y = (size * torch.randn(1, 6, 4, 4)).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        coding = code(model, y)
    assert coding.y_bits.dtype == torch.float32
    (coding.y_bits.sum() + coding.z_bits.sum()).backward()
    assert torch.isfinite(coding.y_bits).all()
    assert torch.isfinite(coding.z_bits).all()
    assert torch.isfinite(y.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("architecture", MODELS)
def test_latents_are_coded_in_float32_under_autocast(architecture: str, lively, code) -> None:
    """Breaks if h_a, h_s, context or entropy parameters run in bfloat16: means would be off by whole bins,
    bits by percents.

    (g_s may run in bfloat16: it decides about no bit.)
    """
    model = lively(architecture)
    y = 5 * torch.randn(1, 6, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        coding = code(model, y.clone())
    for name, expected in vars(code(model, y)).items():
        if expected is not None and name != "x_hat":
            torch.testing.assert_close(
                getattr(coding, name), expected, msg=lambda text, name=name: f"{name}: {text}"
            )


@pytest.mark.parametrize("architecture", MODELS)
def test_images_of_a_batch_do_not_influence_each_other(architecture: str, lively) -> None:
    """Breaks if something is averaged over the batch."""
    model, x = lively(architecture), torch.rand(3, 3, 32, 48)
    together = model(x)
    for k in range(3):
        alone = model(x[k : k + 1])
        torch.testing.assert_close(together.x_hat[k : k + 1], alone.x_hat, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(together.y_bits[k : k + 1], alone.y_bits, rtol=1e-3, atol=1e-3)


# --- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
        torch.zeros(3, 8, 8),
        torch.zeros(1, 1, 8, 8),
        torch.zeros(1, 8, 8, 3),
        torch.zeros(1, 3, 0, 8),
        torch.zeros(0, 3, 8, 8),
    ],
    ids=lambda x: f"{x.dtype} {list(x.shape)}",
)
def test_what_is_no_batch_of_float_images_is_refused_with_a_sentence(x: torch.Tensor) -> None:
    """Breaks if uint8 pixels, grey images or channels-last arrays end in an error from inside torch."""
    with pytest.raises(ValueError, match=r"expects images as floats \[B, 3, H, W\] in \[0, 1\], not"):
        JointModel(1, 1)(x)


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize("arguments", [(0, 4), (4, 0), (-1, 4), (4, 2.0), (True, 4), (4, 4, "none")])
def test_every_model_refuses_sizes_and_padding_that_make_no_network(
    architecture: str, arguments: tuple
) -> None:
    """Breaks if a model of the ladder checks nothing."""
    with pytest.raises(ValueError, match="must be"):
        MODELS[architecture](*arguments)


def test_only_models_with_context_have_a_masked_convolution() -> None:
    """Breaks if a rung takes more than its own: the ladder compares models that differ in one part."""
    masked = {
        name
        for name, model in MODELS.items()
        if any(isinstance(layer, MaskedConv2d) for layer in model(1, 1).modules())
    }
    assert masked == {"ContextModel", "JointModel"}


# --- mixed quantisation -------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", MODELS)
def test_mixed_quantization_shows_the_synthesis_whole_steps_from_the_mean_and_passes_its_gradient(
    architecture: str, lively, code
) -> None:
    """Breaks if g_s sees noise, if bits are counted on rounded values, or if the rounding stops the gradient
    on its way to y."""
    model = lively(architecture, N=4, M=6).train()
    model.rounds_in_training = True
    y = (
        (5 * torch.from_numpy(np.random.default_rng(3).standard_normal((1, 6, 4, 4))))
        .float()
        .requires_grad_()
    )
    seen: list[torch.Tensor] = []
    model.g_s.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    torch.manual_seed(0)
    mixed = code(model, y)
    model.rounds_in_training = False
    torch.manual_seed(0)
    noisy = code(model, y)
    offsets = model.prior.medians[:, None, None] if mixed.means is None else mixed.means
    steps = (seen[0] - offsets).detach()
    torch.testing.assert_close(steps, steps.round(), atol=1e-5, rtol=0)
    assert (seen[0] - y).abs().max() <= 0.5 + 1e-5
    torch.testing.assert_close(mixed.y_bits, noisy.y_bits)  # same noise, same bits
    torch.testing.assert_close(mixed.y_hat, noisy.y_hat)  # what is priced is the noisy one
    torch.testing.assert_close(seen[1], noisy.y_hat)
    assert (noisy.y_hat - offsets - (noisy.y_hat - offsets).round()).abs().max() > 0.1
    (gradient,) = torch.autograd.grad(seen[0].sum(), y)
    torch.testing.assert_close(gradient, torch.ones_like(gradient), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", MODELS)
def test_mixed_quantization_changes_nothing_in_evaluation_mode(architecture: str, lively) -> None:
    model = lively(architecture, N=4, M=6).eval()
    x = torch.from_numpy(np.random.default_rng(4).random((1, 3, 32, 32))).float()
    with torch.inference_mode():
        plain = model(x)
        model.rounds_in_training = True
        torch.testing.assert_close(model(x).x_hat, plain.x_hat, atol=0, rtol=0)
