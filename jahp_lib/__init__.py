"""Learned image compression, built step by step: the codec of Minnen, Ballé & Toderici (NeurIPS 2018).

The modules follow the lessons of the course in ``notebooks/``; what a lesson has built, the next one imports
from here. Names are loaded when they are first asked for, so that ``jahp --help`` does not wait for PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.2.0"

if TYPE_CHECKING:
    from jahp_lib.checkpoints import CheckpointError, from_compressai, load, save
    from jahp_lib.codec import BitstreamError, Codec
    from jahp_lib.context import ContextModel, JointModel
    from jahp_lib.factorized import FactorizedModel, FactorizedPrior
    from jahp_lib.gdn import GDN
    from jahp_lib.hyperprior import MeanScaleHyperprior, ScaleHyperprior
    from jahp_lib.masked_conv import MaskedConv2d
    from jahp_lib.rate_distortion import rate_distortion_loss
    from jahp_lib.variable_rate import VariableRate

_HOME = {
    "CheckpointError": "checkpoints",
    "from_compressai": "checkpoints",
    "load": "checkpoints",
    "save": "checkpoints",
    "BitstreamError": "codec",
    "Codec": "codec",
    "ContextModel": "context",
    "JointModel": "context",
    "FactorizedModel": "factorized",
    "FactorizedPrior": "factorized",
    "GDN": "gdn",
    "MeanScaleHyperprior": "hyperprior",
    "ScaleHyperprior": "hyperprior",
    "MaskedConv2d": "masked_conv",
    "rate_distortion_loss": "rate_distortion",
    "VariableRate": "variable_rate",
}

__all__ = [
    "GDN",
    "BitstreamError",
    "CheckpointError",
    "Codec",
    "ContextModel",
    "FactorizedModel",
    "FactorizedPrior",
    "JointModel",
    "MaskedConv2d",
    "MeanScaleHyperprior",
    "ScaleHyperprior",
    "VariableRate",
    "from_compressai",
    "load",
    "rate_distortion_loss",
    "save",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"jahp_lib.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
