"""Learned image compression, built step by step: the codec of Minnen, Ballé & Toderici (NeurIPS 2018).

The modules follow the lessons of the course in ``notebooks/``; what a lesson has built, the next one imports from here.
"""

from jahp_lib.checkpoints import CheckpointError, from_compressai, load, save
from jahp_lib.codec import BitstreamError, Codec
from jahp_lib.factorized import FactorizedPrior
from jahp_lib.gdn import GDN
from jahp_lib.masked_conv import MaskedConv2d
from jahp_lib.models import FactorizedModel, JointModel, MeanScaleHyperprior, ScaleHyperprior
from jahp_lib.rate_distortion import rate_distortion_loss
from jahp_lib.variable_rate import VariableRate

__version__ = "0.1.0"

__all__ = [
    "GDN",
    "BitstreamError",
    "CheckpointError",
    "Codec",
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
