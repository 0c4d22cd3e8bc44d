"""Weights in files: safetensors with the model's configuration in the header, written whole or not at all,
never pickle.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn

from jahp_lib.context import ContextModel, JointModel
from jahp_lib.factorized import FactorizedModel, FactorizedPrior
from jahp_lib.hyperprior import MeanScaleHyperprior, ScaleHyperprior
from jahp_lib.masked_conv import MaskedConv2d, causal_mask
from jahp_lib.original_hyperprior import OriginalScaleHyperprior
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate

FORMAT = "jahp-model-1"
PRECISIONS = ("float32", "float16", "int8")
STEPS = ".steps"  # what the steps of an int8 kernel are called, after the kernel's own name

# the ladder, each rung a better answer to the question how the latent y is distributed
MODELS: dict[str, type[LatentModel]] = {
    model.__name__: model
    for model in (FactorizedModel, ScaleHyperprior, ContextModel, MeanScaleHyperprior, JointModel)
}
# what can be in a file but is no rung of its own: weights that others published
READABLE: dict[str, type[LatentModel]] = {**MODELS, "OriginalScaleHyperprior": OriginalScaleHyperprior}


class CheckpointError(ValueError):
    """A file of weights that cannot be read, or does not fit; the message says which and what to do."""


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, object]) -> None:
    """Write tensors and a JSON ``header`` as one safetensors file, whole or not at all."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, safetensors_bytes(contiguous, metadata={"jahp": json.dumps(header)}))


def read_tensors(path: str | Path, expected_format: str) -> tuple[dict[str, Tensor], dict]:
    """Read what ``write_tensors`` wrote.

    Raises:
        CheckpointError: no such file, not safetensors, cut short, or of another format.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint at {path}.")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("jahp", "{}"))
            header = header if isinstance(header, dict) else {}
            if header.get("format") != expected_format:
                raise CheckpointError(_another_format(path, expected_format, header.get("format")))
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118 (not a dict)
    except (safetensors.SafetensorError, OSError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} cannot be read as a checkpoint: {_what_it_is(path, error)}") from error


def _another_format(path: Path, expected: str, found: object) -> str:
    """What to do with a safetensors file of another kind."""
    if found == "jahp-training-1":
        return (
            f"{path} holds the state of a training ({found!r}), from which it goes on; {expected!r} is "
            "expected here. The "
            "model is in the file model.safetensors beside it."
        )
    if found is None:
        return (
            f"{path} is a safetensors file, but not of the kind {expected!r} that is expected here: it does "
            "not say which "
            "model its weights belong to. Weights of CompressAI go through jahp.from_compressai."
        )
    return f"{path} is a safetensors file, not of the kind {expected!r} that is expected: it says {found!r}."


def _what_it_is(path: Path, error: Exception) -> str:
    """What a file that is no whole safetensors file looks like, and what to do."""
    try:
        with path.open("rb") as file:
            begin = file.read(64)
    except OSError:
        begin = b""
    if begin.startswith(b"PK\x03\x04") or re.match(rb"\x80[\x02-\x05]", begin):
        return (
            "it was written by torch.save or pickle, and such a file can hold a program, so it is not "
            "opened here. If these "
            "are weights of CompressAI, read them with torch.load(path, weights_only=True) and give them to "
            "jahp.from_compressai; then jahp.save writes a file for here."
        )
    if (
        len(begin) > 8 and begin[8:9] != b"{"
    ):  # behind eight bytes of length, safetensors begins with a JSON object
        return "it is another kind of file. Weights come as safetensors, as jahp.save writes them."
    return f"it is damaged or cut short ({error}). Copy it again."


def build(config: Mapping[str, Any]) -> LatentModel | VariableRate:
    """A model with fresh weights from its ``config``.

    Raises:
        CheckpointError: the architecture's name is unknown, or its sizes make no sense.
    """
    if not isinstance(config, Mapping):
        raise CheckpointError(
            f"The checkpoint's configuration makes no model: {config!r} is no list of names and values."
        )
    name = config.get("architecture")
    if not isinstance(name, str) or name not in READABLE:
        raise CheckpointError(f"Unknown architecture {name!r}; this version knows {', '.join(MODELS)}.")
    try:
        model = READABLE[name](config["N"], config["M"], config.get("padding", "same"))
    except KeyError as error:
        raise CheckpointError(
            f"The checkpoint's configuration makes no model: {error} is missing."
        ) from error
    except ValueError as error:
        raise CheckpointError(f"The checkpoint's configuration makes no model: {error}") from error
    return VariableRate(model) if config.get("variable_rate") else model


def load_weights(model: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy ``tensors`` into ``model``; half-precision weights become the model's type.

    Raises:
        CheckpointError: a tensor is missing, unknown or of another shape.
    """
    check_shapes(model, tensors, source)
    own = model.state_dict()
    model.load_state_dict({name: tensors[name].to(own[name].dtype) for name in own})


def check_shapes(model: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Raise ``CheckpointError`` unless ``tensors`` are what ``model`` (its sizes are enough: one on "meta")
    consists of.
    """
    own = model.state_dict()
    missing, unknown = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    misshapen = [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    if missing or unknown or misshapen:
        first = (missing + unknown + misshapen)[0]
        raise CheckpointError(
            f"{source} holds the weights of another architecture than this {type(model).__name__}: "
            f"{len(missing)} tensors "
            f"are missing, {len(unknown)} are unknown, {len(misshapen)} have another shape ({first!r} is the "
            "first)."
        )


def build_with(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], source: str, precision: object = "float32"
) -> LatentModel | VariableRate:
    """A model in evaluation mode from its configuration and its weights.

    The sizes that a configuration claims are compared with those of the weights before any memory is taken
    for them: a file of a few bytes may claim to hold billions of weights.

    Raises:
        CheckpointError: the configuration makes no model, or the weights belong to another.
    """
    try:
        with torch.device("meta"):
            outline = build(config)
        if precision == "int8":
            tensors = _from_int8(tensors, outline, source)
        check_shapes(outline, tensors, source)
    except (RuntimeError, OverflowError) as error:  # sizes beyond what 64 bits can count
        raise CheckpointError(f"{source} holds no model: its sizes are beyond all use ({error}).") from error
    model = build(config)
    load_weights(model, tensors, source)
    return model.eval()


def save(
    model: LatentModel | VariableRate,
    path: str | Path,
    *,
    precision: str = "float32",
    card: Mapping[str, object] | None = None,
) -> None:
    """Write a model's weights and configuration to ``path`` (conventionally ``*.safetensors``).

    A model that is being trained is written as its ``eval()`` would leave it, with medians that belong to its
    densities, and stays as it is. Of a model inside ``torch.compile`` or ``DistributedDataParallel``, the
    model inside is written.

    Args:
        model: a model of the ladder, or one in ``VariableRate``.
        precision: how weights are stored; they are loaded as float32. "float16" halves the file. "int8"
            quarters it: kernels of convolutions as integers from -127 to 127 with one float16 step for each
            tap of each row of their first dimension, without the taps that a mask keeps at zero; everything
            else as float16.
        card: anything worth keeping beside them (steps, photos, λ), as JSON.

    Raises:
        ValueError: ``precision`` is another word.
        OSError: the file cannot be written; what was there before stays untouched.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}.")
    model = _unwrapped(model)
    tensors = {plain_name(name): tensor for name, tensor in model.state_dict().items()}
    for name, module in model.named_modules():
        if isinstance(module, FactorizedPrior):
            tensors[plain_name(f"{name}.medians")] = module.medians_after_training()
    if precision != "float32":
        tensors = {
            name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
        }
    if precision == "int8":
        for name, (weight, live) in _kernels(model).items():
            tensors[name], tensors[f"{name}{STEPS}"] = _as_int8(weight.detach()[..., live.to(weight.device)])
    header = {"format": FORMAT, "config": model.config, "precision": precision, "card": dict(card or {})}
    write_tensors(path, tensors, header)


def _unwrapped(model: nn.Module) -> LatentModel | VariableRate:
    """The model itself, without what ``torch.compile`` or data-parallel training put around it."""
    while not isinstance(model, LatentModel | VariableRate):
        inner = getattr(model, "_orig_mod", getattr(model, "module", None))
        if not isinstance(inner, nn.Module):
            raise ValueError(
                f"save takes a model of the ladder or a VariableRate, not a {type(model).__name__}."
            )
        model = inner
    return model


def plain_name(name: str) -> str:
    """A tensor's name without what ``torch.compile`` and data-parallel training put into it."""
    return ".".join(
        part
        for k, part in enumerate(name.split("."))
        if part != "_orig_mod" and not (part == "module" and k == 0)
    )


def _kernels(model: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Name -> kernel [.., .., kh, kw] of each convolution, and which of its taps [kh, kw] count."""
    found = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            height, width = layer.kernel_size
            # not the layer's own mask, which on "meta" has no values
            with torch.device("cpu"):
                taps = torch.ones(height, width)
                if isinstance(layer, MaskedConv2d):
                    taps = causal_mask(layer.mask_type, height, width)
            found[plain_name(f"{name}.weight")] = (layer.weight, taps.bool())
    return found


def _as_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """[C, in, taps] to integers of the same shape and float16 steps [C, taps]: integer times step is the
    weight to within half a step.

    Taps have steps of their own because the middle ones of a kernel are often ten times as large as those at
    its border.
    """
    smallest = 2.0**-24  # that float16 can say
    steps = (weight.abs().amax(1) / 127).clamp(min=smallest).half()
    return (weight / steps.float()[:, None]).round().clamp(-127, 127).to(torch.int8), steps


def _from_int8(tensors: Mapping[str, Tensor], model: nn.Module, source: str) -> dict[str, Tensor]:
    """Kernels as float32 again, each product rounded once, so that every machine gets the same weights.

    ``model`` says of which shape they are, and may be on "meta".
    """
    restored = {name: tensor for name, tensor in tensors.items() if not name.endswith(STEPS)}
    for name, (weight, live) in _kernels(model).items():
        integers, steps = tensors.get(name), tensors.get(f"{name}{STEPS}")
        rows, inputs, taps = *weight.shape[:2], int(live.sum())
        if (
            integers is None
            or steps is None
            or tuple(integers.shape) != (rows, inputs, taps)
            or tuple(steps.shape) != (rows, taps)
        ):
            raise CheckpointError(
                f"{source} holds no kernel {name!r} of {[rows, inputs, taps]} integers and {[rows, taps]} "
                "steps: "
                "it is another architecture."
            )
        restored[name] = torch.zeros(weight.shape)
        restored[name][..., live] = integers.float() * steps.float()[:, None]
    return restored
