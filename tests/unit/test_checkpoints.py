"""Weights in files: whole or not at all, the same model back, and a sentence for every kind of bad file."""

from __future__ import annotations

import copy
import json
import pickle
import resource
from pathlib import Path

import pytest
import safetensors.torch
import torch

from jahp_lib import checkpoints
from jahp_lib.checkpoints import (
    FORMAT,
    MODELS,
    PRECISIONS,
    CheckpointError,
    load,
    read_tensors,
    save,
    write_tensors,
)
from jahp_lib.training.state import STATE_FORMAT
from jahp_lib.variable_rate import VariableRate


@pytest.fixture
def checkpoint(tmp_path: Path, lively) -> Path:
    path = tmp_path / "model.safetensors"
    save(lively("JointModel", 2, 3), path, card={"lmbda": 0.013})
    return path


def header_of(path: Path) -> dict:
    """The header by safetensors alone."""
    with safetensors.safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["jahp"])


def rewrite(path: Path, change_tensors=lambda tensors: tensors, change_header=lambda header: header) -> Path:
    """Write the file again, by safetensors alone, with something changed."""
    header, tensors = change_header(header_of(path)), change_tensors(safetensors.torch.load_file(path))
    safetensors.torch.save_file(tensors, path, metadata={"jahp": json.dumps(header)})
    return path


# --- there and back ---


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("architecture", MODELS)
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_what_was_saved_comes_back_the_same(
    architecture: str, wrapped: bool, padding: str, tmp_path: Path, lively
) -> None:
    """Breaks if a tensor, a buffer (the medians), the padding, N against M, or the wrapper is lost."""
    model = lively(architecture, N=2, M=5, padding=padding)
    if wrapped:
        model = VariableRate(model).train()
        torch.nn.init.normal_(model.gain.coefficients)
    save(model, tmp_path / "it")
    back = load(tmp_path / "it")
    assert type(back) is type(model)
    assert back.config == model.config
    assert not back.training
    assert back.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor), name


def test_half_precision_halves_the_file_and_comes_back_as_float32(tmp_path: Path, lively) -> None:
    """Breaks if weights are stored as float32 all the same, or computed with as float16."""
    model = lively("JointModel", 8, 8)
    save(model, tmp_path / "full")
    save(model, tmp_path / "half", precision="float16")
    assert (tmp_path / "half").stat().st_size < 0.65 * (tmp_path / "full").stat().st_size
    back = load(tmp_path / "half")
    for name, tensor in model.state_dict().items():
        assert back.state_dict()[name].dtype == torch.float32
        assert torch.equal(back.state_dict()[name], tensor.half().float()), name


@pytest.mark.parametrize("architecture", MODELS)
def test_int8_kernels_come_back_within_half_a_step_and_masked_taps_as_zero(
    architecture: str, tmp_path: Path, lively
) -> None:
    """Breaks if steps are taken along another dimension, taps are mixed up, or what is no kernel is rounded
    to int8.
    """
    model = VariableRate(lively(architecture, 8, 8))
    save(model, tmp_path / "it", precision="int8")
    back = load(tmp_path / "it").state_dict()
    assert back.keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert back[name].dtype == torch.float32
        if tensor.dim() != 4 or name.endswith("coefficients"):
            assert torch.equal(back[name], tensor.half().float()), name
            continue
        expected = tensor.clone()
        if "context_prediction" in name:
            expected[:, :, 2, 2:] = 0
            expected[:, :, 3:] = 0
        half_step = expected.abs().amax(1, keepdim=True) / 254  # of each tap of each row
        assert ((back[name] - expected).abs() <= half_step * 1.1 + 2.0**-24).all(), (
            name
        )  # float16 rounds steps, too


def test_small_taps_beside_large_ones_keep_their_digits(tmp_path: Path, lively) -> None:
    """Breaks if one step serves a whole row: the taps at the border would be rounded away beside the middle
    one.
    """
    model = lively("FactorizedModel", 4, 4)
    with torch.no_grad():
        model.g_a[2].weight[:, :, 2, 2] *= 1000
    save(model, tmp_path / "it", precision="int8")
    kept, border = load(tmp_path / "it").g_a[2].weight[:, :, 0, 0], model.g_a[2].weight[:, :, 0, 0]
    torch.testing.assert_close(kept, border, rtol=0, atol=0.01 * float(border.detach().abs().max()))


def test_an_int8_file_is_a_quarter_of_float32_and_loads_the_same_every_time(tmp_path: Path, lively) -> None:
    model = lively("JointModel", 32, 32)
    save(model, tmp_path / "full")
    save(model, tmp_path / "int8", precision="int8")
    assert (tmp_path / "int8").stat().st_size < 0.28 * (tmp_path / "full").stat().st_size
    once, again = load(tmp_path / "int8").state_dict(), load(tmp_path / "int8").state_dict()
    assert all(torch.equal(once[name], again[name]) for name in once)


@pytest.mark.parametrize("change", ["no steps", "no kernel", "too few taps"])
def test_an_int8_file_that_lacks_something_is_refused_by_name(change: str, tmp_path: Path, lively) -> None:
    save(lively("JointModel", 2, 3), tmp_path / "it", precision="int8")
    name = "context_prediction.weight"

    def damage(tensors: dict) -> dict:
        if change == "too few taps":
            return {**tensors, name: tensors[name][..., 1:].contiguous()}
        gone = name if change == "no kernel" else f"{name}.steps"
        return {key: tensor for key, tensor in tensors.items() if key != gone}

    with pytest.raises(CheckpointError, match=r"context_prediction\.weight"):
        load(rewrite(tmp_path / "it", damage))


def test_an_unknown_precision_is_refused_and_nothing_written(tmp_path: Path, lively) -> None:
    with pytest.raises(ValueError, match="precision must be one of float32, float16, int8"):
        save(lively("JointModel", 2, 3), tmp_path / "it", precision="int4")
    assert not (tmp_path / "it").exists()


def test_any_safetensors_reader_finds_weights_configuration_and_card(checkpoint: Path, lively) -> None:
    """Breaks if the file is no safetensors, or the header does not say what the model is."""
    model = lively("JointModel", 2, 3)
    assert header_of(checkpoint) == {
        "format": FORMAT,
        "config": model.config,
        "precision": "float32",
        "card": {"lmbda": 0.013},
    }
    torch.testing.assert_close(safetensors.torch.load_file(checkpoint), dict(model.state_dict()))


def test_weights_of_a_model_in_channels_last_come_back(tmp_path: Path, lively) -> None:
    """Breaks if memory order is written instead of values: training keeps its weights in channels_last."""
    model = lively("FactorizedModel", 4, 4)
    save(model.to(memory_format=torch.channels_last), tmp_path / "it")
    torch.testing.assert_close(load(tmp_path / "it").g_a[2].weight, model.g_a[2].weight)


def test_a_shipped_checkpoint_is_found_by_its_name(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if a name is only looked for as a path."""
    monkeypatch.setattr(checkpoints, "SHIPPED", checkpoint.parent)
    assert load("model").config == load(checkpoint).config


# --- bad files ---


def complains(path, *words: str) -> str:
    """That ``load`` raises a CheckpointError in one or two sentences that hold the words."""
    with pytest.raises(CheckpointError) as caught:
        load(path)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    for word in words:
        assert word in text
    return text


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    """Breaks if safetensors' own error comes through."""
    complains(tmp_path / "none.safetensors", "There is no checkpoint at", "none.safetensors")
    complains(tmp_path, "There is no checkpoint at")


def test_an_unknown_name_is_answered_with_the_known_ones(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if the user is not told what there is."""
    monkeypatch.setattr(checkpoints, "SHIPPED", checkpoint.parent)
    complains("no-such-model", "no-such-model", "model")
    monkeypatch.setattr(checkpoints, "SHIPPED", checkpoint.parent / "empty")
    complains("no-such-model", "none yet")


@pytest.mark.parametrize("share", [0.0, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.9999])
def test_a_file_cut_short_is_called_damaged_wherever_it_is_cut(share: float, checkpoint: Path) -> None:
    """Breaks if a cut file loads in part, or fails with a traceback; 0 is the empty file."""
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(share * len(content))])
    complains(checkpoint, "cannot be read as a checkpoint", "Copy it again.")


@pytest.mark.parametrize(
    "content",
    [
        b"\x00" * 1000,
        b"\xff" * 1000,
        b"not a checkpoint",
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        pickle.dumps({"g_a.0.weight": [1.0]}, 2),
    ],
    ids=["zeros", "ones", "text", "picture", "pickle"],
)
def test_another_kind_of_file_is_refused(content: bytes, tmp_path: Path) -> None:
    """Breaks if anything but safetensors is tried."""
    (tmp_path / "it").write_bytes(content)
    complains(tmp_path / "it", "cannot be read as a checkpoint")


def test_a_pickle_is_called_one_and_not_a_damaged_file(tmp_path: Path) -> None:
    """Breaks if "copy it again" is the answer to CompressAI's weights, or to a file of torch.save in its old
    format.
    """
    for zipped in (True, False):
        torch.save(
            {"g_a.0.weight": torch.zeros(3)}, tmp_path / "it.pth.tar", _use_new_zipfile_serialization=zipped
        )
        text = complains(tmp_path / "it.pth.tar", "written by torch.save", "from_compressai")
        assert "opy it" not in text


def test_another_kind_of_file_is_not_said_to_be_damaged(tmp_path: Path) -> None:
    """Breaks if a picture given by mistake is to be copied again."""
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    text = complains(tmp_path / "photo.png", "another kind of file", "jahp.save writes them")
    assert "opy it" not in text


def test_the_state_of_a_training_is_called_so_and_the_model_s_file_named(checkpoint: Path) -> None:
    """Breaks if ``--model runs/mine/state.safetensors`` ends in a riddle."""
    rewrite(checkpoint, change_header=lambda header: {**header, "format": STATE_FORMAT})
    complains(checkpoint, "the state of a training", "model.safetensors beside it")


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    """Breaks if loading falls back on pickle, which runs whatever code the file holds; this one would leave a
    file behind.
    """

    class Trap:
        def __reduce__(self):
            return (Path(tmp_path / "sprung").touch, ())

    torch.save(Trap(), tmp_path / "it.pt")
    complains(tmp_path / "it.pt", "cannot be read as a checkpoint")
    assert not (tmp_path / "sprung").exists()


def test_weights_without_our_header_are_pointed_to_from_compressai(tmp_path: Path) -> None:
    """Breaks if a foreign safetensors file is called damaged, or taken."""
    safetensors.torch.save_file({"weight": torch.zeros(3)}, tmp_path / "it")
    complains(tmp_path / "it", "is a safetensors file, but not of the kind", "from_compressai")


def test_a_file_of_another_format_is_refused(checkpoint: Path) -> None:
    """Breaks if the format's name is not looked at: a training state is no model."""
    rewrite(checkpoint, change_header=lambda header: {**header, "format": "jahp-training-1"})
    complains(checkpoint, "jahp-training-1", FORMAT)


@pytest.mark.parametrize(
    "config",
    [
        {"architecture": "Transformer", "N": 2, "M": 3},
        {"architecture": ["JointModel"], "N": 2, "M": 3},
        {"N": 2, "M": 3},
        {},
        None,
        [],
        "JointModel",
        {"architecture": "JointModel", "M": 3},
        {"architecture": "JointModel", "N": -2, "M": 3},
        {"architecture": "JointModel", "N": "2", "M": 3},
        {"architecture": "JointModel", "N": 2, "M": 3, "padding": "reflect"},
    ],
    ids=str,
)
def test_a_configuration_that_makes_no_model_is_refused(config, checkpoint: Path) -> None:
    """Breaks if a header made by hand, or by a later version, ends in a traceback."""
    rewrite(checkpoint, change_header=lambda header: {**header, "config": config})
    complains(checkpoint)


@pytest.mark.parametrize("header", [[], "jahp", 3, None], ids=str)
def test_a_header_that_is_no_record_is_refused(header, checkpoint: Path) -> None:
    """Breaks if the header is trusted to be a dictionary."""
    rewrite(checkpoint, change_header=lambda _: header)
    complains(checkpoint)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"architecture": "MeanScaleHyperprior"}, ["MeanScaleHyperprior", "8 are unknown"]),
        ({"architecture": "ScaleHyperprior"}, ["have another shape"]),
        ({"N": 3}, ["0 tensors are missing", "0 are unknown", "have another shape"]),
        ({"variable_rate": True}, ["VariableRate", "missing"]),
    ],
    ids=str,
)
def test_weights_of_another_architecture_are_counted_and_refused(
    config: dict, words: list[str], checkpoint: Path
) -> None:
    """Breaks if tensors are skipped, cut or left at random values."""
    rewrite(checkpoint, change_header=lambda header: {**header, "config": {**header["config"], **config}})
    complains(checkpoint, "another architecture", *words)


@pytest.mark.parametrize("name", ["g_a.0.bias", "prior.medians", "context_prediction.weight"])
def test_a_missing_tensor_is_named(name: str, checkpoint: Path) -> None:
    """Breaks if what is missing keeps the random values a fresh model has."""
    rewrite(checkpoint, lambda tensors: {key: tensor for key, tensor in tensors.items() if key != name})
    complains(checkpoint, "1 tensors are missing", name)


def test_a_tensor_too_many_is_named(checkpoint: Path) -> None:
    """Breaks if weights are dropped in silence."""
    rewrite(checkpoint, lambda tensors: {**tensors, "g_a.8.bias": torch.zeros(1)})
    complains(checkpoint, "1 are unknown", "g_a.8.bias")


# --- files that claim too much ---


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("size", [30_000, 10**9, 10**18])
def test_a_small_file_that_claims_to_be_huge_takes_no_memory(
    size: int, precision: str, checkpoint: Path, lively
) -> None:
    """Breaks if a model is made before its sizes are compared with the file's: N = M = 30,000 would be 400
    GB.
    """
    save(lively("JointModel", 2, 3), checkpoint, precision=precision)
    config = {"architecture": "JointModel", "N": size, "M": size, "padding": "same", "variable_rate": True}
    rewrite(checkpoint, change_header=lambda header: {**header, "config": config})
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 28), hard))
    try:
        complains(checkpoint, "model.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


# --- models that are being trained, and models inside others ---


def trained(model: torch.nn.Module) -> torch.nn.Module:
    """A model in training mode whose density of z has just learned something: its medians are
    no longer zero.
    """
    model.train()
    with torch.no_grad():
        for bias in model.prior.biases:
            bias.add_(torch.linspace(0.5, 1.5, len(bias))[:, None, None])
    return model


def test_medians_of_a_model_in_training_are_up_to_date_in_its_file(tmp_path: Path, lively) -> None:
    """Breaks if medians are written as they were before the training: z would be rounded to
    the wrong grid.
    """
    model = trained(lively("JointModel"))
    before = model.prior.medians.clone()
    save(model, tmp_path / "it")
    written = load(tmp_path / "it").prior
    for channel, median in enumerate(written.medians):
        row = torch.zeros(written.channels, 1, 1).index_fill(0, torch.tensor([channel]), float(median))
        assert written.logits(row)[channel].abs().max() < 1e-3
    assert (written.medians - before).abs().max() > 0.1
    assert model.training
    assert torch.equal(model.prior.medians, before)  # saving changes nothing in the model
    model.eval()
    assert torch.equal(model.prior.medians, written.medians)


def test_medians_set_by_hand_are_written_as_they_are(tmp_path: Path, lively) -> None:
    model = trained(lively("JointModel"))
    with torch.no_grad():
        model.prior.medians.fill_(0.25)
    save(model, tmp_path / "it")
    assert torch.equal(load(tmp_path / "it").prior.medians, torch.full((4,), 0.25))


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_copy_of_a_model_in_training_knows_whether_its_medians_are_old(by_hand: bool, lively) -> None:
    """Breaks if a copy, such as the codec's, ends its training with medians of before, or loses those set by
    hand.
    """
    model = trained(lively("JointModel"))
    for _ in range(3):
        model.prior.update_medians()
    trained(model)
    if by_hand:
        with torch.no_grad():
            model.prior.medians.fill_(0.25)
    copied = copy.deepcopy(model).eval()
    model.eval()
    assert torch.equal(copied.prior.medians, model.prior.medians)
    assert bool((model.prior.medians == 0.25).all()) == by_hand


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("around", ["compiled", "part compiled", "data parallel"])
def test_what_is_put_around_a_model_is_not_written(
    around: str, precision: str, tmp_path: Path, lively
) -> None:
    """Breaks if names begin with ``_orig_mod.`` or ``module.``, which ``load`` cannot read."""
    model = lively("JointModel")
    save(model, tmp_path / "plain", precision=precision)
    if around == "part compiled":
        model.g_a = torch.compile(model.g_a)
        wrapped = model
    else:
        wrapped = torch.compile(model) if around == "compiled" else torch.nn.DataParallel(model)
    save(wrapped, tmp_path / "it", precision=precision)
    load(tmp_path / "it")
    assert (tmp_path / "it").read_bytes() == (tmp_path / "plain").read_bytes()


def test_what_is_no_model_is_refused_by_save(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="save takes a model of the ladder or a VariableRate, not a Linear"):
        save(torch.nn.Linear(1, 1), tmp_path / "it")  # type: ignore[arg-type]


# --- disks that fail ---


def only(path: Path, content: bytes) -> None:
    """That the folder holds this file alone, with this content: no temporary left behind."""
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == content


def test_saving_on_a_full_disk_leaves_the_old_checkpoint(checkpoint: Path, lively) -> None:
    """The same with a real limit: the kernel lets this process write files of 5,000 bytes at most.

    Breaks if any part of the old file is touched before the new one is whole.
    """
    before = checkpoint.read_bytes()
    assert len(before) > 5000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            save(lively("JointModel", 2, 3, seed=2), checkpoint)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    only(checkpoint, before)
    load(checkpoint)


def test_saving_into_a_missing_folder_is_an_os_error_and_makes_nothing(tmp_path: Path, lively) -> None:
    """Breaks if folders are made silently from a mistyped path."""
    with pytest.raises(OSError, match="nowhere"):
        save(lively("FactorizedModel", 1, 1), tmp_path / "nowhere" / "it")
    assert list(tmp_path.iterdir()) == []


def test_tensors_and_header_come_back_from_any_file_of_ours(tmp_path: Path) -> None:
    """Breaks if a type, an empty tensor, a view or a nested header is changed on the way."""
    tensors = {
        "a": torch.arange(6).reshape(2, 3).T,
        "b": torch.zeros(0, 4),
        "c": torch.tensor(3.5, dtype=torch.float64),
    }
    header = {"format": "x", "nested": {"list": [1, 2.5, None, "λ"]}}
    write_tensors(tmp_path / "it", tensors, header)
    back, read = read_tensors(tmp_path / "it", "x")
    assert read == header
    torch.testing.assert_close(back, tensors)
