"""No lesson. The scale hyperprior as Ballé et al. 2018 published it: what it takes to run weights that others
trained.

The ladder's ``ScaleHyperprior`` has the hyper-networks of Minnen et al. 2018, so that its rungs differ in one
thing at a time. Those of Ballé et al. 2018 are narrower (h_s has N channels throughout) and have ReLU instead
of leaky ReLU; all else is the same.
"""

from __future__ import annotations

from torch import nn

from jahp_lib.hyperprior import ScaleHyperprior
from jahp_lib.transforms import conv, deconv


def _relu() -> nn.LeakyReLU:
    """max(v, 0), as the leaky ReLU of slope 0: the codec's exact form of h_s asks each activation for its
    slope.
    """
    return nn.LeakyReLU(negative_slope=0.0)


class OriginalScaleHyperprior(ScaleHyperprior):
    """``ScaleHyperprior`` with the hyper-networks of its own paper; arguments and results are the same.

    The paper's last layer of h_s is a convolution followed by a ReLU. Here it is the transposed convolution
    that computes the same, and the ReLU is left out: scales are bounded from below by 0.11 anyway, which is
    the same with it or without.

    Source: Ballé et al. 2018, figure 4.
    """

    def __init__(self, N: int = 128, M: int = 192, padding: str = "same") -> None:
        super().__init__(N, M, padding)
        first, second, third = (None, None, None) if padding == "same" else (0, 1, 0)
        self.h_a = nn.Sequential(  # type: ignore[assignment]
            conv(M, N, kernel_size=3, stride=1, padding=first),
            _relu(),
            conv(N, N, padding=second),
            _relu(),
            conv(N, N, padding=third),
        )
        self.h_s = nn.Sequential(  # type: ignore[assignment]
            deconv(N, N, padding=first),
            _relu(),
            deconv(N, N, padding=second),
            _relu(),
            deconv(N, M, kernel_size=3, stride=1, padding=third),
        )
