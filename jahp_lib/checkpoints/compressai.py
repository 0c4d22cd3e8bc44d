"""CompressAI's weights as models of the ladder: other names, and a few tensors turned."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from jahp_lib.checkpoints.files import CheckpointError, build, build_with, plain_name
from jahp_lib.transforms import LatentModel

# our model -> what CompressAI calls the architecture
THEIR_NAMES = {
    "FactorizedModel": "bmshj2018-factorized",
    "OriginalScaleHyperprior": "bmshj2018-hyperprior",
    "MeanScaleHyperprior": "mbt2018-mean",
    "JointModel": "mbt2018",
}


def from_compressai(state_dict: Mapping[str, object]) -> LatentModel:
    """A model of the ladder with the weights of one of CompressAI's, in evaluation mode.

    ``bmshj2018-factorized`` becomes a ``FactorizedModel``, ``bmshj2018-hyperprior`` an
    ``OriginalScaleHyperprior``, ``mbt2018-mean`` a ``MeanScaleHyperprior``, ``mbt2018`` a ``JointModel``.
    Their layers are ours but for three things: GDN keeps the same square roots under other names; the last
    layer of h_s is a convolution there and a transposed one here (the same with its kernel turned by 180
    degrees and its channels exchanged); scales come first there, means first here. The medians of the
    factorized density are kept. Architecture, N and M are read off the weights.

    Args:
        state_dict: of one of these models, or a whole checkpoint that has it under "state_dict"; names of the
            published files, of version 1.1 (``_matrix0``) or 1.2 (``matrices.0``), ``module.`` in front or
            not.

    Raises:
        CheckpointError: no such weights; a tensor is missing or has another shape.
    """
    theirs = _their_tensors(state_dict)
    architecture = _architecture(theirs)
    name = THEIR_NAMES[architecture]
    source = f"The state_dict, taken for one of CompressAI's {name},"
    try:
        N, M = theirs["g_a.0.weight"].shape[0], theirs["g_a.6.weight"].shape[0]
        config = {"architecture": architecture, "N": N, "M": M}
        with torch.device("meta"):
            our_names = list(build(config).state_dict())
        ours = {our_name: _translated(our_name, theirs, architecture) for our_name in our_names}
    except KeyError as error:
        raise CheckpointError(
            f"These are not the weights of CompressAI's {name}: {error} is missing."
        ) from error
    except (IndexError, RuntimeError, ValueError) as error:  # too few dimensions to be turned into ours
        raise CheckpointError(
            f"These are not the weights of CompressAI's {name}: a tensor has another shape ({error})."
        ) from error
    unknown = theirs.keys() - {_their_name(our_name) for our_name in our_names}
    unknown = {other for other in unknown if not re.fullmatch(NOT_NEEDED, other)}
    if unknown:
        raise CheckpointError(
            f"These are not the weights of CompressAI's {name}: that has no {min(unknown)!r} "
            f"({len(unknown)} tensors are unknown)."
        )
    return build_with(config, ours, source).base


# What their files hold beside: tables of their coder, the scales that belong to them, constants of their
# layers.
NOT_NEEDED = (
    r"(entropy_bottleneck|gaussian_conditional)\.(_offset|_quantized_cdf|_cdf_length|scale_table|scale_bound|target"
    r"|(likelihood_)?lower_bound(_scale)?\.bound)|context_prediction\.mask"
    r"|g_[as]\.\d\.(beta|gamma)_reparam\.(pedestal|lower_bound\.bound)"
)


def _their_tensors(state_dict: Mapping[str, object]) -> dict[str, Tensor]:
    """The tensors by the names of version 1.2, also from within a whole checkpoint."""
    if not isinstance(state_dict, Mapping):
        raise CheckpointError(
            "from_compressai takes the state_dict of a model, names and tensors, not a "
            f"{type(state_dict).__name__}. "
            "torch.load(path, weights_only=True) reads one from a file."
        )
    inside = [value for value in state_dict.values() if isinstance(value, Mapping)]
    for candidate in (state_dict, *inside):
        found = {
            _modern_name(plain_name(name)): tensor
            for name, tensor in candidate.items()
            if isinstance(name, str) and isinstance(tensor, Tensor)
        }
        if any(name.startswith("g_a.") for name in found):
            return found
    holds = ", ".join(repr(name) for name in list(state_dict)[:5]) or "nothing"
    raise CheckpointError(
        f"These are not the weights of CompressAI's {', '.join(list(THEIR_NAMES.values())[:-1])} or mbt2018: "
        "there is no "
        f"tensor called 'g_a.0.weight' (what there is: {holds})."
    )


def _modern_name(name: str) -> str:
    match = re.fullmatch(
        r"entropy_bottleneck\._(matri|bias|factor)(?:x|ces\.|es\.|s\.)?(\d)", name
    )  # _matrix0 of version 1.1; _matrices.0 of the published files
    if match is None:
        return name
    plural = {"matri": "matrices", "bias": "biases", "factor": "factors"}[match[1]]
    return f"entropy_bottleneck.{plural}.{match[2]}"


def _architecture(theirs: Mapping[str, Tensor]) -> str:
    """Which of our models these weights are for, by the parts that there are and the number of features from
    h_s.
    """
    if any(name.startswith(("context_prediction.", "entropy_parameters.")) for name in theirs):
        return "JointModel"
    if not any(name.startswith(("h_a.", "h_s.")) for name in theirs):
        return "FactorizedModel"
    features, y = theirs.get("h_s.4.bias"), theirs.get("g_a.6.bias")
    if features is not None and y is not None and features.numel() == y.numel():
        return "OriginalScaleHyperprior"
    return "MeanScaleHyperprior"


def _their_name(name: str) -> str:
    if name == "prior.medians":
        return "entropy_bottleneck.quantiles"
    if name.startswith("prior."):
        return f"entropy_bottleneck.{name.removeprefix('prior.')}"
    return name.removesuffix("_root")


def _translated(name: str, theirs: Mapping[str, Tensor], architecture: str) -> Tensor:
    """The tensor of ours called ``name``, made from theirs."""
    tensor = theirs[_their_name(name)]
    if name == "prior.medians":
        return tensor[:, 0, 1]  # of three quantiles, the middle one
    # the layer whose outputs are scales and means: the second half of its rows comes first here
    if name.startswith("entropy_parameters.4.") or (
        architecture == "MeanScaleHyperprior" and name.startswith("h_s.4.")
    ):
        half = len(tensor) // 2
        tensor = torch.cat((tensor[half:], tensor[:half]))
    return tensor.transpose(0, 1).flip(2, 3) if name == "h_s.4.weight" else tensor
