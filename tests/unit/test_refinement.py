"""Lesson 11: latents refined photo by photo, files that meet a target, and that no decoder notices."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import jahp_lib as jahp
from jahp_lib import refinement
from jahp_lib.checkpoints import MODELS
from jahp_lib.codec import files, targets, windows
from jahp_lib.codec.container import lmbda_from_code, lmbda_to_code
from jahp_lib.hyperprior import gaussian_bits
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.one_photo import sample_photos, to_float, to_tensor
from jahp_lib.refinement import Latents, Refinement, first_latents, first_means, gumbel_round, price, refine
from jahp_lib.transforms import LatentModel

Lively = Callable[..., LatentModel]
LMBDA = 0.02


def leaves(height: int, width: int, seed: int = 0) -> np.ndarray:
    square = dead_leaves(1, max(height, width, 16), np.random.default_rng(seed))[0]
    return square.permute(1, 2, 0).numpy()[:height, :width].copy()


def floats(picture: np.ndarray) -> Tensor:
    return to_float(to_tensor(Image.fromarray(picture)))[None]


def lagrangian(codec: jahp.Codec, picture: np.ndarray, blob: bytes, lmbda: float) -> float:
    """R + λD of a file as anybody would measure it from outside."""
    decoded = np.asarray(codec.decompress(blob), dtype=np.float64)
    return 8 * len(blob) / (picture.size / 3) + lmbda * np.mean((decoded - picture) ** 2)


def sample(name: str, size: int) -> Image.Image:
    """A sample photo, reduced so that its longer side has ``size`` pixels."""
    image = sample_photos()[name]
    image.thumbnail((size, size))
    return image


@pytest.fixture(scope="module")
def small() -> jahp.Codec:
    return jahp.Codec(jahp.load("small"))


# --- the lesson's parts -------------------------------------------------------------------------------------


def test_a_cold_coin_lies_on_the_nearest_integer() -> None:
    values = torch.linspace(-3, 3, 400).double()
    assert (gumbel_round(values, 1e-3) - values.round()).abs().max() < 1e-3


def test_a_warm_coin_falls_up_more_often_the_nearer_the_integer_above() -> None:
    falls = [gumbel_round(torch.full((4000,), 0.1 * k), 0.5).round().mean().item() for k in range(1, 10)]
    assert falls == sorted(falls)
    assert falls[0] < 0.1 < 0.4 < falls[4] < 0.6 < 0.9 < falls[8]


def test_a_coin_stays_between_its_neighbours_and_has_a_gradient() -> None:
    values = (torch.rand(1000) * 8 - 4).requires_grad_()
    fallen = gumbel_round(values, 0.3)
    assert bool(((fallen >= values.floor()) & (fallen <= values.floor() + 1)).all())
    (gradient,) = torch.autograd.grad(fallen.sum(), values)
    assert bool(torch.isfinite(gradient).all())
    assert (gradient > 0).float().mean() > 0.5


@pytest.mark.parametrize("architecture", MODELS)
def test_means_and_prices_are_those_of_the_models_own_pass(lively: Lively, architecture: str) -> None:
    model, x = lively(architecture), floats(leaves(64, 48))
    with torch.no_grad():
        out = model(x)
        seen = (
            out.y_hat if out.means is None else torch.round(model.analyse(x))
        )  # what the pass's context sees
        means, y_bits, z_bits = price(model, seen, out.z_hat)
    assert torch.allclose(z_bits, out.z_bits)
    if out.means is None:
        assert torch.allclose(y_bits, out.y_bits)
    else:
        assert torch.allclose(means, out.means, atol=1e-5)
        assert torch.allclose(y_bits, gaussian_bits(seen, out.means, out.scales), atol=1e-3)


def test_the_price_of_what_a_codec_coded_is_the_size_of_its_file(small: jahp.Codec) -> None:
    encoding = small.encode(sample("chelsea", 256), 0.013)
    assert encoding.z_hat is not None
    with torch.no_grad():
        _, y_bits, z_bits = price(small.model, encoding.y_hat[None].float(), encoding.z_hat[None].float())
    assert (y_bits.sum() + z_bits.sum()).item() == pytest.approx(8 * (len(encoding.blob) - 24), rel=0.005)


def test_a_clipped_pixel_is_pulled_back_only_if_it_should_not_be_clipped() -> None:
    x_hat = torch.tensor([-0.2, -0.2, 1.3, 1.3, 0.4], requires_grad=True)
    x = torch.tensor([0.0, 0.5, 1.0, 0.5, 0.5])
    error = (refinement.within_0_and_1(x_hat) - x).square().sum()
    assert error.item() == pytest.approx(0.25 + 0.25 + 0.01)
    (gradient,) = torch.autograd.grad(error, x_hat)
    assert torch.allclose(gradient, torch.tensor([0.0, -1.0, 0.0, 1.0, -0.2]))


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize("variable_rate", [False, True])
def test_refinement_lowers_the_lagrangian_of_the_rounded_latents(
    lively: Lively, architecture: str, variable_rate: bool
) -> None:
    model = lively(architecture, seed=3)
    model = jahp.VariableRate(model).eval() if variable_rate else model
    seen: list[Refinement] = []
    refine(model, floats(leaves(48, 64)), LMBDA, 60, watch=seen.append)
    assert seen[0].step == 0
    assert seen[-1].step == 60
    assert min(state.loss for state in seen) < seen[0].loss


def test_refinement_leaves_the_model_as_it_was(lively: Lively) -> None:
    model = lively("JointModel")
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    refine(model, floats(leaves(32, 32)), LMBDA, 5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_the_same_photo_gives_the_same_latents(lively: Lively) -> None:
    model, x = lively("JointModel"), floats(leaves(32, 48))
    first = refine(model, x, LMBDA, 8)
    torch.rand(7)
    second = refine(model, x, LMBDA, 8)
    assert torch.equal(first.y, second.y)
    assert torch.equal(first.z, second.z)


def test_no_steps_give_the_latents_of_the_transforms(lively: Lively) -> None:
    model, x = lively("JointModel"), floats(leaves(32, 48))
    latents = refine(model, x, LMBDA, 0)
    with torch.no_grad():
        y = model.analyse(x)
        assert torch.equal(latents.y, y)
        assert torch.equal(latents.z, model.hyper_analyse(y))


@pytest.mark.parametrize(("lmbda", "steps", "sentence"), [(0.0, 3, "lmbda"), (0.01, -1, "steps")])
def test_what_makes_no_sense_is_refused_in_a_sentence(
    lively: Lively, lmbda: float, steps: int, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        refine(lively("JointModel"), floats(leaves(16, 16)), lmbda, steps)


# --- files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize("variable_rate", [False, True])
def test_a_file_with_effort_is_smaller_by_the_lagrangian_and_any_decoder_reads_it(
    lively: Lively, architecture: str, variable_rate: bool
) -> None:
    model = lively(architecture)
    model = jahp.VariableRate(model).eval() if variable_rate else model
    codec, picture = jahp.Codec(model), leaves(90, 70)
    plain, refined = codec.compress(picture, LMBDA), codec.compress(picture, LMBDA, effort=30)
    with (
        patch.object(refinement, "refine", side_effect=AssertionError),
        patch.object(windows, "refine", None),
    ):
        decoder = jahp.Codec(model)
        assert decoder.decompress(refined).size == (70, 90)
    lmbda = decoder.decode(refined).header.lmbda or LMBDA
    assert lagrangian(decoder, picture, refined, lmbda) < lagrangian(decoder, picture, plain, lmbda)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (17, 3), (16, 16), (33, 50)])
def test_tiny_pictures_are_refined_too(lively: Lively, size: tuple[int, int]) -> None:
    codec, picture = jahp.Codec(lively("JointModel")), leaves(*size)
    plain, refined = codec.compress(picture, LMBDA), codec.compress(picture, LMBDA, effort=6)
    lmbda = codec.decode(refined).header.lmbda or LMBDA
    assert lagrangian(codec, picture, refined, lmbda) <= lagrangian(codec, picture, plain, lmbda)


def test_effort_0_is_the_file_without_effort_and_never_asks_for_refinement(lively: Lively) -> None:
    codec, picture = jahp.Codec(jahp.VariableRate(lively("JointModel")).eval()), leaves(50, 60)
    with patch.object(windows, "refine", side_effect=AssertionError):
        assert codec.compress(picture, LMBDA, effort=0) == codec.compress(picture, LMBDA)


def test_a_refinement_that_went_wrong_is_not_written(lively: Lively) -> None:
    """Never worse than effort 0, whatever refinement returns: the files are compared, not its promises."""
    codec, picture = jahp.Codec(lively("JointModel")), leaves(64, 64)

    def spoil(*_: object, start: Latents, **__: object) -> Latents:
        return Latents(start.y + 5, start.z)

    with patch.object(windows, "refine", spoil):
        assert codec.compress(picture, LMBDA, effort=3) == codec.compress(picture, LMBDA)


def test_ctrl_c_ends_the_refinement_and_keeps_the_best_so_far(lively: Lively) -> None:
    model, picture = lively("JointModel"), leaves(64, 64)
    seen: list[Refinement] = []

    def watch(state: Refinement) -> None:
        seen.append(state)
        if len(seen) == 15:
            raise KeyboardInterrupt

    latents = refine(model, floats(picture), LMBDA, 40, watch=watch)
    assert latents.stopped
    assert len(seen) == 15
    best = min(seen, key=lambda state: state.loss)
    assert best.loss < seen[0].loss
    with torch.no_grad():  # the latents that are kept are those of the best look, not the last
        means = first_means(model, latents)
        z_hat = refinement.quantized_z(model, latents.z, torch.round)
        _, y_bits, z_bits = price(model, torch.round(latents.y - means) + means, z_hat)
    assert ((y_bits.sum() + z_bits.sum()) / 64**2).item() == pytest.approx(best.bpp, rel=0.05)


def test_ctrl_c_while_refining_still_gives_a_file(lively: Lively) -> None:
    codec, picture = jahp.Codec(lively("JointModel")), leaves(64, 64)

    def watch(state: Refinement) -> None:
        if state.step >= 20:
            raise KeyboardInterrupt

    blob = codec.compress(picture, LMBDA, effort=40, watch=watch)
    plain = codec.compress(picture, LMBDA)
    lmbda = codec.decode(blob).header.lmbda or LMBDA
    assert lagrangian(codec, picture, blob, lmbda) <= lagrangian(codec, picture, plain, lmbda)


def test_effort_with_a_model_that_does_not_say_its_lmbda_asks_for_it(lively: Lively) -> None:
    with pytest.raises(ValueError, match="give lmbda"):
        jahp.Codec(lively("JointModel")).compress(leaves(20, 20), effort=2)


def test_progress_tells_steps_and_what_they_are_worth(lively: Lively) -> None:
    told: list[tuple[str, int, int]] = []
    seen: list[Refinement] = []
    codec = jahp.Codec(lively("JointModel"))
    codec.compress(leaves(40, 40), LMBDA, lambda *state: told.append(state), effort=7, watch=seen.append)
    assert [state for state in told if state[0] == "refining"][-1] == ("refining", 7, 7)
    assert [state.step for state in seen] == list(range(8))


# --- windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["JointModel", "FactorizedModel"])
def test_windows_lower_the_lagrangian_of_the_whole_photo(lively: Lively, architecture: str) -> None:
    model, picture = lively(architecture), leaves(250, 290)
    x, pixels = floats(picture), to_tensor(Image.fromarray(picture))
    codec = jahp.Codec(model)
    plain = codec.compress(picture, LMBDA)
    with torch.no_grad():
        start = first_latents(model, x, LMBDA)
    seen: list[tuple[int, int]] = []
    better = windows.refine_in_windows(
        model, pixels, LMBDA, 20, start, tell=lambda *s: seen.append(s), inner=8, margin=4
    )
    z = better.z[0] if better.z.shape[1] else None
    refined = codec.code_latents(better.y[0], z, (250, 290), lmbda_to_code(LMBDA)).blob
    assert seen[-1] == (6 * 20, 6 * 20)
    assert lagrangian(codec, picture, refined, LMBDA) < lagrangian(codec, picture, plain, LMBDA)


def test_what_is_not_free_does_not_move(lively: Lively) -> None:
    model, x = lively("JointModel"), floats(leaves(128, 128))
    with torch.no_grad():
        start = first_latents(model, x, LMBDA)
    free = Latents(torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 2, 2))
    free.y[..., 2:5, 3:6] = 1
    better = refine(model, x, LMBDA, 20, start=start, free=free)
    moved = (better.y != start.y).any(1)[0]
    assert moved[2:5, 3:6].all()
    assert int(moved.sum()) == 9
    assert torch.equal(better.z, start.z)


def test_memory_of_a_window_does_not_grow_with_the_photo(lively: Lively) -> None:
    """Every call of ``refine`` sees at most a window and its margin."""
    model = lively("JointModel", N=2, M=2)
    sizes: list[tuple[int, int]] = []

    def fake(model: object, x: Tensor, *_: object, start: Latents, **__: object) -> Latents:
        sizes.append((x.shape[-2], x.shape[-1]))
        return start

    height, width = 16 * 150, 16 * 70 - 5
    start = Latents(torch.zeros(1, 2, 150, 70), torch.zeros(1, 2, 38, 18))
    with patch.object(windows, "refine", fake):
        windows.refine_in_windows(model, torch.zeros(3, height, width, dtype=torch.uint8), LMBDA, 1, start)
    assert len(sizes) == 6
    assert max(max(size) for size in sizes) <= 16 * 80
    assert sizes[0] == (16 * 72, 16 * 70 - 5)


# --- targets ------------------------------------------------------------------------------------------------


def smooth_size(slope: float, curve: float) -> Callable[[int], tuple[float, int]]:
    """log2 of a file's size as a smooth function of the λ code, with the jumps of whole bytes."""

    def encode(code: int) -> tuple[float, int]:
        octaves = (code - 20000) / 2048
        size = max(int(900 * 2 ** (slope * octaves + curve * octaves**2)), 1)
        return float(np.log2(size)), size

    return encode


@pytest.mark.parametrize("slope", [0.2, 0.45, 0.9])
@pytest.mark.parametrize("curve", [-0.01, 0.0, 0.01])
@pytest.mark.parametrize("part", [0.05, 0.3, 0.7, 0.97])
def test_a_target_of_bytes_is_met_within_one_percent_in_a_handful_of_encodings(
    slope: float, curve: float, part: float
) -> None:
    encode, calls = smooth_size(slope, curve), []
    lowest, highest = lmbda_to_code(0.0018), lmbda_to_code(0.18)
    target = encode(round(lowest + part * (highest - lowest)))[1]

    def counted(code: int) -> tuple[float, int]:
        calls.append(code)
        return encode(code)

    size, _ = targets.meet(targets.bytes_goal(target), counted, lowest, highest, lmbda_to_code(0.013))
    assert size is not None
    assert 0.99 * target - 1 <= size <= target
    assert len(calls) <= 7
    assert len(set(calls)) == len(calls)


def test_a_search_over_an_erratic_codec_ends_and_never_passes_the_target() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        target = int(rng.integers(400, 3000))

        def encode(code: int) -> tuple[float, int]:
            size = int(900 * 2 ** ((code - 20000) / 4096) * rng.uniform(0.8, 1.25)) + 1
            return float(np.log2(size)), size

        size, _ = targets.meet(targets.bytes_goal(target), encode, 14000, 27000, 20000)
        assert size is None or size <= target


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_no_file_is_a_byte_larger_than_its_target_or_much_smaller(small: jahp.Codec, name: str) -> None:
    image = sample(name, 160)
    smallest, largest = (len(small.compress(image, lmbda)) for lmbda in (0.0018, 0.18))
    for part in (0.1, 0.7):
        target = round(smallest + part * (largest - smallest))
        blob = small.compress(image, target_bytes=target)
        assert 0.97 * target <= len(blob) <= target
        assert small.decompress(blob).size == image.size


def test_a_target_of_bits_a_pixel_is_one_of_bytes(small: jahp.Codec) -> None:
    image = sample("coffee", 128)
    blob = small.compress(image, target_bpp=0.8)
    assert 0.97 * 0.8 <= 8 * len(blob) / (image.width * image.height) <= 0.8


def test_a_picture_is_no_worse_than_its_target_and_not_much_better(small: jahp.Codec) -> None:
    image = sample("chelsea", 128)
    blob = small.compress(image, target_psnr=30.0)
    error = np.mean((np.asarray(small.decompress(blob), float) - np.asarray(image, float)) ** 2)
    assert 30.0 <= 10 * np.log10(255**2 / error) <= 30.2


def test_a_target_is_met_with_effort_at_a_larger_lmbda(small: jahp.Codec) -> None:
    image = sample("rocket", 96)
    plain, refined = (small.encode(image, target_bytes=500, effort=effort) for effort in (0, 12))
    assert 0.95 * 500 <= len(refined.blob) <= 500
    assert refined.header.lmbda > plain.header.lmbda or LMBDA


def test_a_target_out_of_reach_is_said_with_the_nearest_in_reach(small: jahp.Codec) -> None:
    image = sample("coffee", 96)
    smallest = len(small.compress(image, 0.0018))
    with pytest.raises(ValueError, match=rf"smallest file .* has {smallest}\b"):
        small.compress(image, target_bytes=smallest // 2)
    with pytest.raises(ValueError, match=r"best picture .* has \d\d\.\d\d dB"):
        small.compress(image, target_psnr=60.0)


def test_a_target_that_every_file_meets_gives_the_end_of_the_range(small: jahp.Codec) -> None:
    image = sample("coffee", 64)
    most, least = (
        small.encode(image, **target) for target in ({"target_bytes": 10**6}, {"target_psnr": 5.0})
    )
    assert most.header.lmbda == lmbda_from_code(lmbda_to_code(0.18))
    assert least.header.lmbda == lmbda_from_code(lmbda_to_code(0.0018))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"target_bytes": 100, "target_psnr": 30.0}, "target_bytes and target_psnr together"),
        ({"target_bytes": 100, "lmbda": 0.01}, "not both"),
        ({"target_bytes": 0}, "target_bytes must be"),
        ({"target_psnr": float("nan")}, "target_psnr must be"),
        ({"target_bpp": -1.0}, "target_bpp must be"),
    ],
)
def test_targets_that_make_no_sense_are_refused(lively: Lively, arguments: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        jahp.Codec(jahp.VariableRate(lively("JointModel")).eval()).compress(leaves(16, 16), **arguments)


def test_a_target_needs_a_model_that_serves_every_lmbda(lively: Lively) -> None:
    with pytest.raises(ValueError, match="serves one λ"):
        jahp.Codec(lively("JointModel")).compress(leaves(16, 16), target_bytes=100)


def test_a_file_on_disk_takes_effort_and_target(tmp_path, lively: Lively) -> None:
    source, target = tmp_path / "photo.png", tmp_path / "photo.jahp"
    Image.fromarray(leaves(48, 40)).save(source)
    codec = jahp.Codec(jahp.VariableRate(lively("JointModel")).eval())
    report = files.compress_file(source, target, codec, LMBDA, progress=True, effort=4)
    assert target.stat().st_size == report.size
    assert target.read_bytes() == codec.compress(source, LMBDA, effort=4)
