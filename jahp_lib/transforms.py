"""Lesson 4. Analysis and synthesis transforms: the picture to its latent and back.

    x --conv 5x5/2--GDN--conv 5x5/2--GDN--conv 5x5/2--GDN--conv 5x5/2--> y
    x_hat <--deconv 5x5*2--IGDN--deconv--IGDN--deconv--IGDN--deconv 5x5*2-- y_hat

Four convolutions of stride 2 make y 16 times smaller than x in each direction (Minnen et al. 2018, table 1).

Two kinds of padding. ``"same"`` keeps sizes in step (n -> ceil(n / 2) -> 2 ceil(n / 2)); models pad the
picture to a multiple of 16 and crop it again, so every size works. ``"valid"`` adds nothing, as the
implementation this course grew out of; it works only for sides of 64 k + 189 pixels (765 among them).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jahp_lib.gdn import GDN
from jahp_lib.rate_distortion import round_straight_through

STRIDE = 16  # pixels of x per element of y, in each direction
PADDINGS = ("same", "valid")

Lmbda = float | Tensor | None  # one λ for all images, one for each [B], or none given
Gains = tuple[float | Tensor, float | Tensor]  # before and after quantisation
NO_GAINS: Gains = (1.0, 1.0)


def check_sizes(N: int, M: int, padding: str) -> None:
    """Raise ``ValueError`` unless N and M are positive integers and ``padding`` is ``"same"`` or
    ``"valid"``."""
    for name, value in (("N", N), ("M", M)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is a number of channels and must be a positive integer, not {value!r}.")
    if padding not in PADDINGS:
        raise ValueError(
            f"padding must be 'same' (any image size) or 'valid' (none, as in the original), not {padding!r}."
        )


def check_size_without_padding(height: int, width: int, error: type[ValueError] = ValueError) -> None:
    """Raise ``error`` unless networks with padding "valid" give a picture of this size back at its own
    size."""
    if any(side < 253 or (side - 253) % 64 for side in (height, width)):
        raise error(
            "Without padding only sides of 253, 317, ... (64 k + 189) pixels come back at their own size, "
            f"not {height}x{width}. "
            "Use padding='same' for any size."
        )


def conv(
    in_channels: int, out_channels: int, kernel_size: int = 5, stride: int = 2, padding: int | None = None
) -> nn.Conv2d:
    """Convolution that, with the default padding, maps n to ceil(n / stride)."""
    return nn.Conv2d(
        in_channels, out_channels, kernel_size, stride, kernel_size // 2 if padding is None else padding
    )


def deconv(
    in_channels: int, out_channels: int, kernel_size: int = 5, stride: int = 2, padding: int | None = None
) -> nn.ConvTranspose2d:
    """Transposed convolution that, with the default padding, maps n to stride * n;
    with a given padding, none is added at the end.
    """
    if padding is not None:
        return nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, padding)
    return nn.ConvTranspose2d(
        in_channels, out_channels, kernel_size, stride, kernel_size // 2, output_padding=stride - 1
    )


class AnalysisTransform(nn.Sequential):
    """g_a: images [B, 3, H, W] in [0, 1] to latents y [B, M, H/16, W/16] (``"same"``; sizes round up at each
    of four halvings).

    Source: Minnen et al. 2018, table 1, column "Encoder".
    """

    def __init__(self, N: int, M: int, padding: str = "same") -> None:
        check_sizes(N, M, padding)
        p = None if padding == "same" else 0
        super().__init__(
            conv(3, N, padding=p),
            GDN(N),
            conv(N, N, padding=p),
            GDN(N),
            conv(N, N, padding=p),
            GDN(N),
            conv(N, M, padding=p),
        )

    def forward(self, x: Tensor) -> Tensor:
        *layers, last = self
        for layer in layers:
            x = layer(x)
        # Latents reach hundreds, where bfloat16 has steps of a whole quantisation bin: the last layer keeps
        # float32.
        with torch.autocast(x.device.type, enabled=False):
            return last(x.float())


class SynthesisTransform(nn.Sequential):
    """g_s: latents [B, M, h, w] to images [B, 3, 16h, 16w] (``"same"``), not clipped to [0, 1].

    Source: Minnen et al. 2018, table 1, column "Decoder".
    """

    def __init__(self, N: int, M: int, padding: str = "same") -> None:
        check_sizes(N, M, padding)
        p = None if padding == "same" else 0
        super().__init__(
            deconv(M, N, padding=p),
            GDN(N, inverse=True),
            deconv(N, N, padding=p),
            GDN(N, inverse=True),
            deconv(N, N, padding=p),
            GDN(N, inverse=True),
            deconv(N, 3, padding=p),
        )


def pad_to_multiple(x: Tensor, multiple: int = STRIDE) -> Tensor:
    """Repeat the last row and column of [B, C, H, W] until both sides are multiples of ``multiple``.

    Repeating costs few bits: a flat border holds nothing new. ``crop`` undoes it. Any H, W >= 1.
    """
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def crop(x: Tensor, height: int, width: int) -> Tensor:
    """The top left ``height`` x ``width`` of [B, C, H, W]."""
    return x[..., :height, :width]


@dataclass(frozen=True, repr=False, eq=False)
class ModelOutput:
    """What a model returns.

    ``x_hat`` [B, 3, H, W], not clipped to [0, 1]; ``y_hat``, ``y_bits`` [B, M, h, w]; ``z_hat``, ``z_bits``
    [B, N, h/4, w/4] (no channels where a model has no z); ``means``, ``scales`` like ``y_hat`` (None where a
    model has none). Bits are per element, not reduced; ``y_bits`` is always the price of ``y_hat``.
    """

    x_hat: Tensor
    y_hat: Tensor
    z_hat: Tensor
    means: Tensor | None
    scales: Tensor | None
    y_bits: Tensor
    z_bits: Tensor

    def __repr__(self) -> str:
        shapes = (
            f"{name}={'None' if value is None else list(value.shape)}" for name, value in vars(self).items()
        )
        return f"{type(self).__name__}({', '.join(shapes)})"


class LatentModel(nn.Module):
    """What all models of the ladder share: g_a, g_s and padding. How the latent is coded stands in each
    model's ``forward``.

        x --g_a--> y --Q--> y_hat --g_s--> x_hat

    ``Q`` adds uniform noise in training mode and rounds in evaluation mode.

    Args:
        N: channels of the hidden layers and of z. The paper's models have 192.
        M: channels of y. The paper's table has 192; CompressAI's published models have 320 for the four
            largest λ.
        padding: "same" for images of any size from 1x1, or "valid" for none at all (sides of 64 k + 189
            pixels).

    Set ``rounds_in_training`` to True and g_s is trained on rounded latents (its gradient passing straight
    through), while bits are still counted on noisy ones. Source: Minnen & Singh 2020, "Channel-wise
    autoregressive entropy models for learned image compression".

    Raises:
        ValueError: N or M is not a positive integer, ``padding`` is another word; in ``forward``, x is not
            [B, 3, H, W] with floating-point values, or its size does not fit "valid".
    """

    serves_every_lmbda = False

    def __init__(self, N: int = 192, M: int = 192, padding: str = "same") -> None:
        super().__init__()
        check_sizes(N, M, padding)
        self.N, self.M, self.padding = N, M, padding
        self.g_a = AnalysisTransform(N, M, padding)
        self.g_s = SynthesisTransform(N, M, padding)
        self.rounds_in_training = False

    @property
    def config(self) -> dict[str, str | int | bool]:
        """What it takes to build this model again: the name of its class and its arguments."""
        return {"architecture": type(self).__name__, "N": self.N, "M": self.M, "padding": self.padding}

    @property
    def base(self) -> LatentModel:
        """The model of the ladder itself, without the gains that ``VariableRate`` puts around it."""
        return self

    def forward(self, x: Tensor, lmbda: Lmbda = None, gains: Gains = NO_GAINS) -> ModelOutput:
        """Images [B, 3, H, W] in [0, 1] through the model.

        A model of the ladder serves the one λ it was trained for, so ``lmbda`` changes nothing: it is there
            so that every model
        answers to the same call. ``gains`` scale y before Q, and back what g_s gets: two numbers, or two
        tensors [B or 1, M, 1, 1] (lesson 10, ``VariableRate``).
        """
        raise NotImplementedError

    def gains(self, lmbda: Lmbda = None) -> Gains:
        """What y is multiplied with before it is quantised, and y_hat afterwards:
        1 and 1 for a model that serves one λ.
        """
        return NO_GAINS

    def analyse(self, x: Tensor, lmbda: Lmbda = None) -> Tensor:
        """Images [B, 3, H, W] in [0, 1] to unquantised latents y [B, M, ceil(H/16), ceil(W/16)] ("same")."""
        if x.dim() != 4 or x.shape[1] != 3 or 0 in x.shape or not x.is_floating_point():
            raise ValueError(
                f"A model expects images as floats [B, 3, H, W] in [0, 1], not {x.dtype} {list(x.shape)}; "
                "jahp_lib.photos.to_float turns uint8 pixels into them."
            )
        if self.padding == "same":
            return self.g_a(pad_to_multiple(x, STRIDE))
        check_size_without_padding(*x.shape[-2:])
        return self.g_a(x)

    def synthesise(self, y_hat: Tensor, height: int, width: int, lmbda: Lmbda = None) -> Tensor:
        """Quantised latents to images [B, 3, ``height``, ``width``]."""
        return crop(self.g_s(y_hat), height, width)

    def seen_by_synthesis(self, y: Tensor, y_hat: Tensor, offsets: Tensor | float = 0.0) -> Tensor:
        """What g_s gets for ``y``: its quantised form ``y_hat``, or in training what the decoder will have,
        if ``rounds_in_training``."""
        if self.training and self.rounds_in_training:
            return round_straight_through(y - offsets) + offsets
        return y_hat


def in_full_precision(values: Tensor) -> torch.autocast:
    """A context without autocast: what lies between latent and bits needs more digits than bfloat16 has."""
    return torch.autocast(values.device.type, enabled=False)
