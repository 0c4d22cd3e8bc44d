"""Lesson 7: round trips, other numerics, files of the first version, pictures of every kind."""

from __future__ import annotations

import copy
import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import jahp_lib as jahp
from jahp_lib import cli
from jahp_lib.checkpoints import MODELS
from jahp_lib.codec import entropy_models, files
from jahp_lib.codec.container import BitstreamError, unpack
from jahp_lib.hyperprior import bound_scales, gaussian_bits
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.one_photo import PhotoError, sample_photos
from jahp_lib.transforms import LatentModel

Lively = Callable[..., LatentModel]
STORED = Path(__file__).parent / "data"


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def leaves(size: int, seed: int = 0) -> np.ndarray:
    return dead_leaves(1, size, np.random.default_rng(seed))[0].permute(1, 2, 0).numpy()


def assert_round_trip(codec: jahp.Codec, picture: object, lmbda: float | None = None) -> None:
    """y_hat and z_hat decoded are those encoded, to the bit, and the picture has its size."""
    encoding = codec.encode(picture, lmbda)
    decoding = codec.decode(encoding.blob)
    assert torch.equal(decoding.y_hat, encoding.y_hat)
    assert encoding.z_hat is None or torch.equal(decoding.z_hat, encoding.z_hat)
    image = codec.synthesise(decoding)
    assert image.size == (encoding.header.width, encoding.header.height)
    assert np.array_equal(np.asarray(image), np.asarray(codec.synthesise(encoding)))


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_y_hat_decoded_is_y_hat_encoded_for_the_sample_photos(lively: Lively, name: str) -> None:
    assert_round_trip(jahp.Codec(lively("JointModel", N=6, M=8)), sample_photos()[name])


def random_sizes() -> list[tuple[int, int]]:
    """60 sizes from 1x1 to 600x900, of both orientations, small ones as likely as large ones;

    the ends are among them.
    """
    rng = np.random.default_rng(7)
    sizes = np.exp(rng.uniform(0, np.log([600, 900]), (57, 2))).round().astype(int)
    return [(1, 1), (600, 900), (900, 600)] + [
        (int(h), int(w)) if k % 2 else (int(w), int(h)) for k, (h, w) in enumerate(sizes)
    ]


def test_y_hat_decoded_is_y_hat_encoded_for_60_random_sizes(lively: Lively) -> None:
    codec = jahp.Codec(lively("JointModel"))
    picture = np.tile(leaves(300), (3, 3, 1))
    for height, width in random_sizes():
        assert_round_trip(codec, picture[:height, :width])


@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize("variable_rate", [False, True])
def test_all_models_bring_back_what_they_coded(
    lively: Lively, architecture: str, variable_rate: bool
) -> None:
    model = lively(architecture)
    codec = jahp.Codec(jahp.VariableRate(model) if variable_rate else model)
    for picture in (
        leaves(100),
        noise(70, 33),
        np.full((40, 50, 3), 255, np.uint8),
        np.zeros((1, 1, 3), np.uint8),
    ):
        for lmbda in (None, 1e-9, 0.0018, 0.18, 1e9):
            assert_round_trip(codec, picture, lmbda)


def test_a_model_without_padding_brings_back_what_it_coded(lively: Lively) -> None:
    codec = jahp.Codec(lively("JointModel", padding="valid"))
    assert_round_trip(codec, noise(253, 317))
    with pytest.raises(ValueError, match=r"64 k \+ 189"):
        codec.compress(noise(256, 317))


@pytest.mark.parametrize("architecture", MODELS)
def test_symbols_far_outside_the_usual_range_survive_by_escape(lively: Lively, architecture: str) -> None:
    """Latents of tens of thousands where tables reach some tens, and beyond the largest symbol, where they
    are cut off."""
    for factor, least in ((300, 2000), (1e5, 32767)):
        model = lively(architecture)
        with torch.no_grad():
            model.g_a[6].weight.mul_(factor)
            if hasattr(model, "h_a"):
                model.h_a[4].weight.mul_(3)
        encoding = jahp.Codec(model).encode(noise(90, 120))
        assert encoding.y_hat.abs().max() >= least
        assert_round_trip(jahp.Codec(model), noise(90, 120))


def test_a_latent_that_is_not_finite_is_refused(lively: Lively) -> None:
    model = lively("JointModel")
    with torch.no_grad():
        model.g_a[6].bias[0] = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        jahp.Codec(model).compress(noise(20, 20))


@pytest.mark.parametrize("part", ["model.g_s.0.weight", "model.h_a.2.bias", "inverse_gain.coefficients"])
def test_weights_that_are_not_finite_are_refused_before_a_picture_is_coded_with_them(
    part: str, lively: Lively
) -> None:
    """Breaks if only those are looked at that decide bits: files were written, and came back black."""
    model = jahp.VariableRate(lively("JointModel"))
    with torch.no_grad():
        model.get_parameter(part).view(-1)[3] = float("inf")
    with pytest.raises(ValueError, match="weights are not finite"):
        jahp.Codec(model)


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (torch.zeros(3, 20, 20), "not a Tensor"),
        (b"\xff\xd8", "not a bytes"),
        (None, "not a NoneType"),
        (Image.new("RGB", (0, 5)), "no pixels: 0x5"),
    ],
    ids=["tensor", "bytes", "nothing", "no pixels"],
)
def test_what_is_no_picture_is_refused_in_a_sentence(picture: object, sentence: str, lively: Lively) -> None:
    with pytest.raises(ValueError, match=sentence):
        jahp.Codec(lively("FactorizedModel")).compress(picture)


def test_the_decoded_picture_is_the_models_reconstruction(lively: Lively) -> None:
    """For a model without context, the codec and the one-pass estimate code the same values."""
    model = lively("MeanScaleHyperprior")
    picture = leaves(64)
    with torch.no_grad():
        x_hat = model(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255).x_hat
    expected = (x_hat[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
    decoded = np.asarray(jahp.Codec(model).decompress(jahp.Codec(model).compress(picture))).astype(float)
    assert (np.abs(decoded - expected) > 1).mean() < 0.01


def test_the_decoded_picture_of_a_variable_rate_model_is_the_reconstruction_for_its_lmbda(
    lively: Lively,
) -> None:
    """Fails if either side scales the latent for another λ than the file holds."""
    model = jahp.VariableRate(lively("MeanScaleHyperprior"))
    picture = leaves(64)
    for lmbda in (0.003, 0.1):
        with torch.no_grad():
            x_hat = model(torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255, lmbda).x_hat
        expected = (x_hat[0].clamp(0, 1) * 255).round().permute(1, 2, 0).numpy()
        decoded = np.asarray(jahp.Codec(model).decompress(jahp.Codec(model).compress(picture, lmbda))).astype(
            float
        )
        assert (np.abs(decoded - expected) > 1).mean() < 0.02


def test_the_encoder_uses_the_lmbda_that_the_file_holds(
    lively: Lively, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = jahp.Codec(jahp.VariableRate(lively("JointModel")))
    used: list[float] = []
    analyse = codec.analyse
    monkeypatch.setattr(
        codec,
        "analyse",
        lambda pixels, lmbda, progress: used.append(lmbda) or analyse(pixels, lmbda, progress),
    )
    encoding = codec.encode(noise(20, 20), 0.0123456)
    assert used == [encoding.header.lmbda]
    assert used != [0.0123456]


@pytest.mark.parametrize("size", [(33, 70), (1, 1), (16, 31)])
def test_pictures_are_padded_as_the_model_pads_them(lively: Lively, size: tuple[int, int]) -> None:
    model = lively("JointModel")
    pixels = torch.from_numpy(noise(*size)).permute(2, 0, 1)
    with torch.no_grad():
        torch.testing.assert_close(
            jahp.Codec(model).analyse(pixels, None), model.analyse(pixels[None].float() / 255)[0]
        )


def test_lmbda_sets_the_rate_of_a_variable_rate_model_and_is_kept_in_the_file(lively: Lively) -> None:
    codec = jahp.Codec(jahp.VariableRate(lively("JointModel")))
    small, middle, large = (codec.compress(leaves(128), lmbda) for lmbda in (0.0018, 0.013, 0.18))
    assert len(small) < len(middle) < len(large)
    assert unpack(large)[0].lmbda == pytest.approx(0.18, rel=2e-4)
    assert codec.compress(leaves(128)) == middle


@pytest.mark.parametrize("lmbda", [0.0, -1.0, float("nan"), float("inf")])
def test_a_lmbda_that_makes_no_sense_is_refused(lively: Lively, lmbda: float) -> None:
    with pytest.raises(ValueError, match="lmbda must be a finite number"):
        jahp.Codec(lively("FactorizedModel")).compress(noise(9, 9), lmbda)


def test_the_file_has_the_bits_of_the_float_model_and_no_more(lively: Lively) -> None:
    """At most 0.2 % and the header more than -log2 p, and the exact networks cost at most 0.05 % more than
    float64 ones.

    The float model sees the same context (y_hat as coded): on its own it would round some other symbol sooner
    or later, and from there on code another picture.
    """
    model = lively("JointModel", N=8, M=12)
    picture = np.tile(leaves(200), (2, 2, 1))
    codec = jahp.Codec(model)
    encoding = codec.encode(picture)
    y = codec.analyse(torch.from_numpy(picture).permute(2, 0, 1), None)[None].double()
    with torch.no_grad():
        z_bits = model.prior(encoding.z_hat[None].float()).double().sum()
        double = copy.deepcopy(model).double()
        psi = double.hyper_synthesise(encoding.z_hat[None], *y.shape[-2:])
        means, raw = double.entropy_parameters.means_and_scales(
            psi, double.context_prediction(encoding.y_hat[None])
        )
        bits = float(z_bits + gaussian_bits(torch.round(y - means) + means, means, bound_scales(raw)).sum())
    assert bits / 8 > 3000
    assert len(encoding.blob) - 24 <= 1.002 * bits / 8 + 1


def test_big_pictures_in_tiles_decode_to_within_one_grey_level(lively: Lively) -> None:
    model = lively("JointModel", N=6, M=8)
    whole, tiled = jahp.Codec(model), jahp.Codec(model, tile=3)
    encoding = whole.encode(leaves(210))
    expected = np.asarray(whole.synthesise(encoding)).astype(int)
    assert np.abs(np.asarray(tiled.synthesise(encoding)).astype(int) - expected).max() <= 1
    pixels = torch.from_numpy(leaves(210)).permute(2, 0, 1)
    torch.testing.assert_close(tiled.analyse(pixels, None), whole.analyse(pixels, None), rtol=0, atol=1e-4)


def test_the_codec_keeps_its_weights_when_the_model_is_trained_on(lively: Lively) -> None:
    model = lively("JointModel").train()
    codec = jahp.Codec(model)
    blob = codec.compress(leaves(50))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1)
    assert model.training
    assert codec.compress(leaves(50)) == blob
    with pytest.raises(BitstreamError, match="other weights"):
        jahp.Codec(model).decompress(blob)


def test_weights_of_compressai_run_in_the_codec() -> None:
    compressai = pytest.importorskip("compressai.models", reason="CompressAI is not installed (make peers)")
    theirs = compressai.JointAutoregressiveHierarchicalPriors(8, 12).eval()
    assert_round_trip(jahp.Codec(jahp.from_compressai(theirs.state_dict())), leaves(90))


def test_progress_is_told_to_the_end(lively: Lively) -> None:
    told: dict[str, tuple[int, int]] = {}
    codec = jahp.Codec(lively("JointModel"))
    blob = codec.compress(leaves(60), progress=lambda stage, done, total: told.update({stage: (done, total)}))
    assert told == {"transform": (1, 1), "coding": (16, 16)}
    told.clear()
    codec.decompress(blob, progress=lambda stage, done, total: told.update({stage: (done, total)}))
    assert told == {"transform": (1, 1), "coding": (16, 16)}


# --- other numerics -----------------------------------------------------------------------------------------

SETTINGS = [
    (threads, kernels) for threads in (1, 2)
    for kernels in (
        {},
        {"MKL_CBWR": "COMPATIBLE"},
        {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    )
]  # fmt: skip
WORKER = """
import json, sys, zlib
from pathlib import Path
import numpy as np, torch
import jahp_lib as jahp
from jahp_lib.photos.dead_leaves import dead_leaves

task, threads, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
torch.set_num_threads(threads)
model = jahp.load(folder / "model.safetensors")
codec = jahp.Codec(model, tile=4)
check = lambda tensor: zlib.crc32(np.ascontiguousarray(tensor.numpy()).data)
result = {}
if task.startswith("encode"):
    for k, size in enumerate((64, 130)):
        picture = dead_leaves(1, size, np.random.default_rng(k))[0].permute(1, 2, 0).numpy()
        encoding = codec.encode(picture, (0.01, 0.1)[k])
        (folder / f"{task}-{k}.jahp").write_bytes(encoding.blob)
        result[f"{task}-{k}.jahp"] = check(encoding.y_hat)
else:
    for file in sorted(folder.glob("encode*.jahp")):
        result[file.name] = check(codec.decode(file.read_bytes()).y_hat)
print(json.dumps(result))
"""


def run_worker(task: str, setting: tuple[int, dict[str, str]], folder: Path) -> subprocess.Popen:
    threads, kernels = setting
    environment = {
        **os.environ,
        **kernels,
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",
    }  # no spinning where others work
    command = [sys.executable, "-c", WORKER, task, str(threads), str(folder)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def results(tasks: list[str], folder: Path) -> list[dict[str, int]]:
    """What one process for each setting printed, two at a time."""
    found = []
    for first in range(0, len(tasks), 2):
        pair = [
            run_worker(task, setting, folder)
            for task, setting in zip(tasks[first : first + 2], SETTINGS[first : first + 2], strict=True)
        ]
        for process in pair:
            output = process.communicate(timeout=300)[0]
            assert process.returncode == 0
            found.append(json.loads(output.splitlines()[-1]))
    return found


@pytest.fixture(scope="module")
def numerics(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, int]], list[dict[str, int]]]:
    """Checks of y_hat: of 6 encoding processes for their own files, and of 6 decoding processes for all
    files."""
    folder = tmp_path_factory.mktemp("numerics")
    torch.manual_seed(0)
    joint = jahp.JointModel(16, 24)
    with torch.no_grad():
        for name, parameter in joint.named_parameters():
            parameter.add_(torch.randn_like(parameter) * (0.01 if "gamma" in name else 0.03))
        joint.g_a[6].weight.mul_(6)
    jahp.save(jahp.VariableRate(joint), folder / "model.safetensors")
    encoded = results([f"encode{k}" for k in range(6)], folder)
    return encoded, results(["decode"] * 6, folder)


def test_files_decode_alike_under_all_36_pairs_of_numerics(
    numerics: tuple[list[dict[str, int]], list[dict[str, int]]],
) -> None:
    encoded, decoded = numerics
    expected = {name: check for result in encoded for name, check in result.items()}
    assert len(expected) == 12
    assert decoded == [expected] * 6


def test_a_float32_decoder_that_differs_in_the_last_bit_decodes_another_latent(
    lively: Lively, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without snapping, and with activations in float32, one unit in the last place is enough;

    the check of the latent notices.
    """
    codec = jahp.Codec(lively("JointModel", N=8, M=12), fast=False)
    monkeypatch.setattr(entropy_models, "snap", lambda values: values.float().double())
    blob = codec.compress(leaves(150))
    codec.decode(blob)
    monkeypatch.setattr(entropy_models, "snap", lambda values: (values.float() * (1 + 2.0**-23)).double())
    with pytest.raises(BitstreamError, match="came out differently"):
        codec.decode(blob)


# --- files of version 1 -------------------------------------------------------------------------------------


def stored_model(architecture: str, variable_rate: bool) -> LatentModel | jahp.VariableRate:
    """A tiny model with weights from numpy's RandomState, whose numbers are frozen for ever (torch's and
    default_rng's are not)."""
    random = np.random.RandomState(2018)
    model = MODELS[architecture](4, 6)
    with torch.no_grad():
        for name, tensor in sorted(model.state_dict().items()):
            values = torch.from_numpy(random.standard_normal(tuple(tensor.shape)).astype(np.float32))
            if name.endswith("_root"):
                tensor.add_(0.05 * values.abs())
            elif name == "prior.medians":
                tensor.copy_(values)
            elif name.startswith("prior."):
                tensor.copy_(0.3 * values + (0.2 if "matrices" in name else 0.0))
            else:
                tensor.copy_(values * 1.5 / max(tensor[0].numel(), 4) ** 0.5)
        model.g_a[6].weight.mul_(8)
        if hasattr(model, "h_s"):
            model.h_s[4].bias.copy_(torch.linspace(0.2, 3, len(model.h_s[4].bias)))
        if hasattr(model, "entropy_parameters"):
            model.entropy_parameters[4].bias.copy_(torch.linspace(-1, 3, 12))
    return (jahp.VariableRate(model) if variable_rate else model).eval()


STORED_FILES = (
    json.loads((STORED / "version1.json").read_text()) if (STORED / "version1.json").exists() else {}
)


@pytest.mark.parametrize("name", STORED_FILES)
def test_files_of_version_1_stay_readable(name: str) -> None:
    """To the bit of y_hat. If this fails, the format has changed:

    give it a new version number, and keep reading the old one.
    """
    stored = STORED_FILES[name]
    codec = jahp.Codec(stored_model(stored["architecture"], stored["variable_rate"]))
    blob = (STORED / name).read_bytes()
    decoding = codec.decode(blob)
    assert list(decoding.y_hat.shape) == stored["shape"]
    assert zlib.crc32(np.ascontiguousarray(decoding.y_hat.numpy()).astype("<f8").data) == stored["y_hat"]
    assert decoding.header.lmbda == (pytest.approx(stored["lmbda"], rel=2e-4) if stored["lmbda"] else None)
    assert codec.synthesise(decoding).size == tuple(stored["size"])


def test_files_of_version_1_are_stored_for_every_model() -> None:
    assert {stored["architecture"] for stored in STORED_FILES.values()} == set(MODELS)


# --- pictures of every kind ---------------------------------------------------------------------------------


@pytest.fixture
def model_file(tmp_path: Path, lively: Lively) -> Path:
    jahp.save(jahp.VariableRate(lively("JointModel")), tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def save_jpeg_with_orientation(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.fromarray(leaves(64)[:40]).save(path, exif=exif)


def save_png_with_alpha(path: Path) -> None:
    alpha = np.zeros((40, 64, 1), np.uint8)
    Image.fromarray(np.concatenate((leaves(64)[:40], alpha), axis=2)).save(path)


def save_16_bit_rgb(path: Path) -> None:
    """Written by hand: Pillow reads such files (as 8 bits), but does not write them."""
    rows = leaves(64)[:40].astype(">u2") * 257
    scanlines = b"".join(b"\0" + row.tobytes() for row in rows)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", 64, 40, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(scanlines)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


PICTURES = {
    "deep-colour.png": (save_16_bit_rgb, (64, 40), "reduced to 8"),
    "turned.jpg": (save_jpeg_with_orientation, (40, 64), "turned upright"),
    "alpha.png": (save_png_with_alpha, (64, 40), "composited on white"),
    "deep.png": (
        lambda path: Image.fromarray(leaves(64)[:40, :, 0].astype(np.uint16) * 257).save(path),
        (64, 40),
        "reduced to 8",
    ),
    "print.jpg": (lambda path: Image.fromarray(leaves(64)[:40]).convert("CMYK").save(path), (64, 40), "CMYK"),
    "plain.png": (lambda path: Image.fromarray(leaves(64)[:40]).save(path), (64, 40), ""),
}


@pytest.mark.parametrize("name", PICTURES)
def test_the_command_line_takes_pictures_of_every_kind_and_says_what_it_changed(
    name: str, tmp_path: Path, model_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save, size, note = PICTURES[name]
    save(tmp_path / name)
    target, back = tmp_path / "picture.jahp", tmp_path / "back.png"
    assert (
        cli.main(
            ["compress", str(tmp_path / name), str(target), "--model", str(model_file), "--lmbda", "0.05"]
        )
        == 0
    )
    said = capsys.readouterr().out
    assert note in said
    assert len(said.strip().splitlines()) == (2 if note else 1)
    assert cli.main(["info", str(target)]) == 0
    assert f"{size[0]}x{size[1]}" in capsys.readouterr().out
    assert cli.main(["decompress", str(target), str(back), "--model", str(model_file)]) == 0
    assert Image.open(back).size == size


def test_what_is_transparent_becomes_white(tmp_path: Path, lively: Lively) -> None:
    save_png_with_alpha(tmp_path / "alpha.png")
    codec = jahp.Codec(lively("FactorizedModel"))
    assert codec.compress(tmp_path / "alpha.png") == codec.compress(np.full((40, 64, 3), 255, np.uint8))


@pytest.mark.parametrize(
    "array",
    [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros(4, np.uint8)],
)
def test_arrays_that_are_no_pictures_are_refused(lively: Lively, array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        jahp.Codec(lively("FactorizedModel")).compress(array)


def test_a_picture_of_too_many_pixels_is_refused(lively: Lively) -> None:
    with pytest.raises(ValueError, match="max_pixels"):
        jahp.Codec(lively("FactorizedModel"), max_pixels=100).compress(noise(11, 10))
    with pytest.raises(ValueError, match="65535"):
        jahp.Codec(lively("FactorizedModel")).compress(np.zeros((1, 65536, 3), np.uint8))


def test_a_photo_that_cannot_be_read_leaves_no_file(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(PhotoError):
        files.compress_file(tmp_path / "broken.png", tmp_path / "out.jahp", jahp.load(model_file))
    assert not (tmp_path / "out.jahp").exists()


def test_a_target_that_ends_like_no_picture_is_refused(tmp_path: Path, lively: Lively) -> None:
    with pytest.raises(ValueError, match=r"use \.png"):
        files.decompress_file(tmp_path / "a.jahp", tmp_path / "a.xyz", lively("FactorizedModel"))
