"""Weights in files: safetensors with the model's configuration in the header, written whole or not at all, never pickle."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn

from jahp_lib.context import ContextModel, JointModel
from jahp_lib.factorized import FactorizedModel
from jahp_lib.hyperprior import MeanScaleHyperprior, ScaleHyperprior
from jahp_lib.masked_conv import MaskedConv2d
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.transforms import LatentModel
from jahp_lib.variable_rate import VariableRate
from jahp_lib.weights import FOLDER as SHIPPED

FORMAT = "jahp-model-1"
PRECISIONS = ("float32", "float16", "int8")
STEPS = ".steps"  # what the steps of an int8 kernel are called, after the kernel's own name

# the ladder, each rung a better answer to the question how the latent y is distributed
MODELS: dict[str, type[LatentModel]] = {
    model.__name__: model
    for model in (FactorizedModel, ScaleHyperprior, ContextModel, MeanScaleHyperprior, JointModel)
}


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
                raise CheckpointError(
                    f"{path} is a safetensors file, but not of the kind {expected_format!r} that is expected here "
                    f"(it says {header.get('format')!r}). Weights of CompressAI go through jahp.from_compressai."
                )
            return {name: file.get_tensor(name) for name in file.keys()}, header  # noqa: SIM118 (not a dict)
    except (safetensors.SafetensorError, OSError, json.JSONDecodeError) as error:
        raise CheckpointError(
            f"{path} cannot be read as a checkpoint ({error}): it is damaged, cut short or another kind of file. Copy it again."
        ) from error


def build(config: Mapping[str, object]) -> LatentModel | VariableRate:
    """A model with fresh weights from its ``config``.

    Raises:
        CheckpointError: the architecture's name is unknown, or its sizes make no sense.
    """
    if not isinstance(config, Mapping):
        raise CheckpointError(
            f"The checkpoint's configuration makes no model: {config!r} is no list of names and values."
        )
    name = config.get("architecture")
    if not isinstance(name, str) or name not in MODELS:
        raise CheckpointError(f"Unknown architecture {name!r}; this version knows {', '.join(MODELS)}.")
    try:
        model = MODELS[name](config["N"], config["M"], config.get("padding", "same"))
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
    own = model.state_dict()
    missing, unknown = sorted(own.keys() - tensors.keys()), sorted(tensors.keys() - own.keys())
    misshapen = [name for name in own.keys() & tensors.keys() if own[name].shape != tensors[name].shape]
    if missing or unknown or misshapen:
        first = (missing + unknown + misshapen)[0]
        raise CheckpointError(
            f"{source} holds the weights of another architecture than this {type(model).__name__}: {len(missing)} tensors are "
            f"missing, {len(unknown)} are unknown, {len(misshapen)} have another shape ({first!r} is the first)."
        )
    model.load_state_dict({name: tensors[name].to(own[name].dtype) for name in own})


def save(
    model: LatentModel | VariableRate,
    path: str | Path,
    *,
    precision: str = "float32",
    card: Mapping[str, object] | None = None,
) -> None:
    """Write a model's weights and configuration to ``path`` (conventionally ``*.safetensors``).

    Args:
        precision: how weights are stored; they are loaded as float32. "float16" halves the file. "int8" quarters it: kernels of
            convolutions as integers from -127 to 127 with one float16 step for each tap of each row of their first dimension, without
            the taps that a mask keeps at zero; everything else as float16.
        card: anything worth keeping beside them (steps, photos, λ), as JSON.

    Raises:
        ValueError: ``precision`` is another word.
        OSError: the file cannot be written; what was there before stays untouched.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}.")
    tensors = dict(model.state_dict())
    if precision != "float32":
        tensors = {
            name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()
        }
    if precision == "int8":
        for name, (weight, live) in _kernels(model).items():
            tensors[name], tensors[f"{name}{STEPS}"] = _as_int8(weight.detach()[..., live])
    header = {"format": FORMAT, "config": model.config, "precision": precision, "card": dict(card or {})}
    write_tensors(path, tensors, header)


def _kernels(model: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """Name -> kernel [.., .., kh, kw] of each convolution, and which of its taps [kh, kw] count."""
    found = {}
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            taps = layer.mask if isinstance(layer, MaskedConv2d) else torch.ones(layer.kernel_size)
            found[f"{name}.weight"] = (layer.weight, taps.bool())
    return found


def _as_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """[C, in, taps] to integers of the same shape and float16 steps [C, taps]: integer times step is the weight to within half a step.

    Taps have steps of their own because the middle ones of a kernel are often ten times as large as those at its border.
    """
    smallest = 2.0**-24  # that float16 can say
    steps = (weight.abs().amax(1) / 127).clamp(min=smallest).half()
    return (weight / steps.float()[:, None]).round().clamp(-127, 127).to(torch.int8), steps


def _from_int8(tensors: Mapping[str, Tensor], model: nn.Module, source: str) -> dict[str, Tensor]:
    """Kernels as float32 again, each product rounded once, so that every machine gets the same weights."""
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
                f"{source} holds no kernel {name!r} of {[rows, inputs, taps]} integers and {[rows, taps]} steps: "
                "it is another architecture."
            )
        restored[name] = torch.zeros(weight.shape)
        restored[name][..., live] = integers.float() * steps.float()[:, None]
    return restored


def load(name_or_path: str | Path) -> LatentModel | VariableRate:
    """A model in evaluation mode, from a file that ``save`` wrote or from one of the course's own by name (``"small"``).

    Raises:
        CheckpointError: no such name or file, the file is damaged, or of another architecture than it says.
    """
    path = Path(name_or_path)
    if not path.is_file() and re.fullmatch(r"[A-Za-z0-9_-]+", str(name_or_path)):
        path = SHIPPED / f"{name_or_path}.safetensors"
        if not path.is_file():
            known = sorted(file.stem for file in SHIPPED.glob("*.safetensors"))
            raise CheckpointError(
                f"There is neither a file nor a shipped checkpoint called {str(name_or_path)!r}; "
                f"shipped with this version: {', '.join(known) or 'none yet'}."
            )
    tensors, header = read_tensors(path, FORMAT)
    model = build(header.get("config", {}))
    if header.get("precision") == "int8":
        tensors = _from_int8(tensors, model, str(path))
    load_weights(model, tensors, str(path))
    return model.eval()


def from_compressai(state_dict: Mapping[str, Tensor]) -> JointModel:
    """A ``JointModel`` with the weights of CompressAI's ``mbt2018`` (``JointAutoregressiveHierarchicalPriors``), in evaluation mode.

    Their layers are ours but for three things: GDN keeps the same square roots under other names; the last layer of h_s is a
    convolution there and a transposed one here (the same with its kernel turned by 180 degrees and its channels exchanged); the
    entropy parameters come scales first there, means first here. The medians of z are kept. N and M are read off the weights.

    Args:
        state_dict: of an ``mbt2018`` model; names of version 1.1 (``_matrix0``) or 1.2 (``matrices.0``), ``module.`` in front or not.

    Raises:
        CheckpointError: a tensor is missing or has another shape: not an ``mbt2018`` model.
    """
    theirs = {name.removeprefix("module."): tensor for name, tensor in state_dict.items()}
    theirs = {
        re.sub(r"^entropy_bottleneck\._(matrix|bias|factor)(\d)$", _modern_prior_name, name): tensor
        for name, tensor in theirs.items()
    }
    try:
        model = JointModel(N=theirs["g_a.0.weight"].shape[0], M=theirs["g_a.6.weight"].shape[0])
        ours = {name: _translated(name, theirs, model.M) for name in model.state_dict()}
    except KeyError as error:
        raise CheckpointError(
            f"These are not the weights of CompressAI's mbt2018: {error} is missing."
        ) from error
    except (
        IndexError,
        RuntimeError,
        ValueError,
    ) as error:  # a tensor with too few dimensions to be turned into ours
        raise CheckpointError(
            f"These are not the weights of CompressAI's mbt2018: a tensor has another shape ({error})."
        ) from error
    load_weights(model, ours, "The state_dict")
    return model.eval()


def _modern_prior_name(match: re.Match[str]) -> str:
    plural = {"matrix": "matrices", "bias": "biases", "factor": "factors"}[match[1]]
    return f"entropy_bottleneck.{plural}.{match[2]}"


def _translated(name: str, theirs: Mapping[str, Tensor], M: int) -> Tensor:
    """The tensor of ours called ``name``, made from theirs."""
    if name == "prior.medians":
        return theirs["entropy_bottleneck.quantiles"][:, 0, 1]
    if name.startswith("prior."):
        return theirs[f"entropy_bottleneck.{name.removeprefix('prior.')}"]
    if name == "h_s.4.weight":
        return theirs[name].transpose(0, 1).flip(2, 3)
    if name.startswith("entropy_parameters.4."):
        return torch.cat((theirs[name][M:], theirs[name][:M]))
    return theirs[name.removesuffix("_root")]
