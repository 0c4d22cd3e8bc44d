"""Lesson 9. The codec: a picture to bytes and back.

    compress    x --g_a--> y --h_a--> z     z coded, psi from z_hat, then y coded along the wavefront
    decompress  z decoded, psi from z_hat, then y_hat decoded along the wavefront --g_s--> x_hat

g_a, h_a and g_s run in float32: what they compute need not be the same on two machines. All that decides how
bits are read is exact (``fixed_point``, ``tables``), so a file decodes to the same y_hat everywhere.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from jahp_lib.codec.container import (
    LARGEST_SIDE,
    BitstreamError,
    Header,
    fingerprint,
    latent_check,
    lmbda_from_code,
    lmbda_to_code,
    pack,
    unpack,
)
from jahp_lib.codec.entropy_models import EntropyModel, ExactContextModel, Predictor, network_device
from jahp_lib.codec.fast.grouped_context import GroupedContextModel
from jahp_lib.codec.fast.tiles import TILE, tiled
from jahp_lib.codec.fast.transforms import apply
from jahp_lib.codec.fixed_point import BITS
from jahp_lib.codec.tables import LARGEST_SYMBOL, SymbolDecoder, SymbolEncoder, Tables
from jahp_lib.codec.targets import Goal, bytes_goal, check_targets, meet, out_of_reach, psnr_goal
from jahp_lib.codec.wavefront import Schedule, all_at_once, walk
from jahp_lib.codec.windows import refine_in_windows
from jahp_lib.hyperprior import HyperpriorModel
from jahp_lib.photos.one_photo import MAX_PIXELS, open_photo, to_float, to_image, to_tensor
from jahp_lib.rate_distortion import check_lmbda, psnr
from jahp_lib.refinement import Latents, Watch
from jahp_lib.transforms import STRIDE, LatentModel, check_size_without_padding
from jahp_lib.variable_rate import DEFAULT_LMBDA, LMBDA_MAX, LMBDA_MIN, VariableRate

Picture = Image.Image | np.ndarray | str | Path | BinaryIO
# stage ("transform", "coding" or "refining"), how much is done, of how much
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Encoding:
    """A compressed picture and what went into it:
    ``y_hat`` [M, h, w] and ``z_hat`` [N, h/4, w/4] (None without hyper-latent), float64.
    """

    blob: bytes
    header: Header
    y_hat: Tensor
    z_hat: Tensor | None


@dataclass(frozen=True)
class Decoding:
    """The latents of a file, as in ``Encoding``."""

    header: Header
    y_hat: Tensor
    z_hat: Tensor | None


class Codec:
    """Compresses pictures to bytes and back with the weights that ``model`` has now (it keeps a copy; train
    on as you like).

    >>> import jahp_lib as jahp
    >>> from jahp_lib.photos import sample_photos
    >>> codec = jahp.Codec(jahp.load("small"))
    >>> blob = codec.compress(sample_photos()["chelsea"], lmbda=0.013)
    >>> codec.decompress(blob).size
    (451, 300)

    Args:
        model: any model of the ladder, or one in ``VariableRate``. It runs where the model is, on the CPU or
            on CUDA; for a model on another device, whose numbers have no 64 bits, on the CPU.
        max_pixels: larger pictures, and files that claim to hold one, are refused: decoding takes memory and
            time in proportion.
        tile: side in latents of the tiles in which g_a and g_s see a big picture; less needs less memory and
            more time.
        fast: False runs lesson 9's plain chain in place of ``codec.fast``: the same files, more slowly, in
            more memory.

    Raises:
        ValueError: the model's weights are not finite, or too large to be computed exactly.
    """

    def __init__(
        self,
        model: LatentModel | VariableRate,
        *,
        max_pixels: int = MAX_PIXELS,
        tile: int = TILE,
        fast: bool = True,
    ) -> None:
        if not isinstance(getattr(model, "base", None), LatentModel):
            raise ValueError(
                f"Codec takes a model of the ladder or a VariableRate, not a {type(model).__name__}."
            )
        self.max_pixels, self.tile, self.fast = max_pixels, tile, fast
        self.fingerprint = fingerprint(model, model.config)
        frozen = copy.deepcopy(model).to(network_device(model)).float().eval().requires_grad_(False)
        if not all(bool(torch.isfinite(tensor).all()) for tensor in frozen.state_dict().values()):
            raise ValueError(
                "The model's weights are not finite: they are damaged, or its training diverged."
            )
        self.whole_model: LatentModel | VariableRate = frozen  # with its gains, as refinement takes it
        self.model: LatentModel = frozen.base
        self.gains, self.serves_every_lmbda = frozen.gains, frozen.serves_every_lmbda
        self.device = next(frozen.parameters()).device
        with torch.inference_mode():
            self.entropy_model = EntropyModel(self.model, self.device)
            if fast and isinstance(self.entropy_model.context, ExactContextModel):
                self.entropy_model.context = GroupedContextModel.from_plain(self.entropy_model.context)
        self.model.g_a.to(memory_format=torch.channels_last)  # convolutions are a quarter faster so
        self.model.g_s.to(memory_format=torch.channels_last)

    def compress(
        self,
        image: Picture,
        lmbda: float | None = None,
        progress: Progress | None = None,
        *,
        effort: int = 0,
        target_bytes: int | None = None,
        target_bpp: float | None = None,
        target_psnr: float | None = None,
        watch: Watch | None = None,
    ) -> bytes:
        """A picture as bytes.

        Args:
            image: PIL image (turned upright, transparency composited on white), uint8 array [H, W, 3], [H, W,
                4] or [H, W], or a path.
            lmbda: the weight of distortion, 0.0018 (small file) to 0.18 (fine picture); 0.013 if not given.
                Without ``VariableRate`` it changes no latent and is not noted in the file; only refinement
                weighs with it.
            progress: told (stage, done, total) now and then.
            effort: steps of refinement (lesson 11). Every decoder reads the file, which is never worse by R +
                λD than that of effort 0. Ctrl-C ends the refinement, and the best so far becomes the file.
            target_bytes, target_bpp: instead of λ, the most that the file may take.
            target_psnr: instead of λ, the least PSNR in dB that the picture is to have.
            watch: told now and then how far a refinement has come (``refinement.Refinement``).

        Raises:
            ValueError: λ is not a finite number above 0, the picture has too many pixels for ``max_pixels``
                or the format, or it is none of these kinds; a target is out of reach, or the model serves one
                λ.
            PhotoError: the picture cannot be read.
        """
        return self.encode(
            image,
            lmbda,
            progress,
            effort=effort,
            target_bytes=target_bytes,
            target_bpp=target_bpp,
            target_psnr=target_psnr,
            watch=watch,
        ).blob

    def decompress(self, blob: bytes, progress: Progress | None = None) -> Image.Image:
        """The picture in ``blob``.

        Raises:
            BitstreamError: damaged, cut short, of another model or version, or no such file at all.
        """
        decoding = self.decode(blob, progress)
        return self.synthesise(decoding, progress)

    def encode(
        self,
        image: Picture,
        lmbda: float | None = None,
        progress: Progress | None = None,
        *,
        effort: int = 0,
        target_bytes: int | None = None,
        target_bpp: float | None = None,
        target_psnr: float | None = None,
        watch: Watch | None = None,
    ) -> Encoding:
        """``compress``, with the latents that were coded; arguments and errors are the same."""
        check_targets(lmbda, target_bytes, target_bpp, target_psnr)
        if effort < 0:
            raise ValueError(f"The number of steps of a refinement is 0 or more, not {effort}.")
        pixels = _pixels(image, self.max_pixels)
        height, width = pixels.shape[-2:]
        self._check_size(height, width, ValueError)
        if lmbda is not None:
            check_lmbda(lmbda)
        # a model for one λ makes the same latents for all: noting one in the file would be a lie
        noted = (DEFAULT_LMBDA if lmbda is None else lmbda) if self.serves_every_lmbda else None

        def encode(lmbda_code: int, effort: int = effort) -> Encoding:
            return self._encode(pixels, lmbda_code, progress, effort, watch, lmbda)

        if target_bpp is not None:
            target_bytes = math.floor(target_bpp * height * width / 8)
        if target_bytes is not None:
            return self._meet(encode, bytes_goal(max(target_bytes, 1)), effort)
        if target_psnr is not None:
            return self._meet(encode, psnr_goal(target_psnr), effort, pixels)
        return encode(lmbda_to_code(noted))

    def _encode(
        self,
        pixels: Tensor,
        lmbda_code: int,
        progress: Progress | None = None,
        effort: int = 0,
        watch: Watch | None = None,
        weight: float | None = None,
    ) -> Encoding:
        """Pixels [3, H, W] as a file, for the λ that its header holds; where it holds none, refined for
        ``weight``."""
        size, noted = (pixels.shape[-2], pixels.shape[-1]), lmbda_from_code(lmbda_code)
        lmbda = weight if noted is None else noted
        if effort and lmbda is None:
            raise ValueError(
                "Refinement weighs bits against error with λ, and this model serves one λ without saying "
                "which: give lmbda, the one that it was trained for."
            )
        with torch.inference_mode():
            y = self.analyse(pixels, lmbda, progress)
            if not bool(torch.isfinite(y).all()):
                raise ValueError(
                    "The model's latent of this picture is not finite: its weights are damaged, or its "
                    "training diverged."
                )
            z = self.model.hyper_analyse(y[None])[0] if isinstance(self.model, HyperpriorModel) else None
        plain = self.code_latents(y, z, size, lmbda_code, progress)
        if not effort or lmbda is None:
            return plain
        start = Latents(y[None].clone(), y.new_zeros(1, 0, 1, 1) if z is None else z[None].clone())
        better = refine_in_windows(
            self.whole_model, pixels, lmbda, effort, start, watch, _stage(progress, "refining")
        )
        refined = self.code_latents(
            better.y[0], None if z is None else better.z[0], size, lmbda_code, progress
        )
        return min(plain, refined, key=lambda encoding: self._lagrangian(encoding, pixels, lmbda))

    def _lagrangian(self, encoding: Encoding, pixels: Tensor, lmbda: float) -> float:
        """R + λD of a real file: its bits for each pixel, and the error of the 8-bit picture that it decodes
        to."""
        squares = (to_tensor(self.synthesise(encoding)).float() - pixels.float()).square()
        return 8 * len(encoding.blob) / (pixels.shape[-2] * pixels.shape[-1]) + lmbda * squares.mean().item()

    def _meet(
        self,
        encode: Callable[..., Encoding],
        goal: Goal,
        effort: int,
        pixels: Tensor | None = None,
    ) -> Encoding:
        """The file that meets a goal: of bytes, or with ``pixels`` given, of PSNR. With effort, the search
        begins where it ends without."""
        if not self.serves_every_lmbda:
            raise ValueError(
                "This model serves one λ, so its file of a photo has one size and one PSNR: a target needs "
                "a model that serves every λ (VariableRate, as 'small' does)."
            )
        known: dict[int, float] = {}

        def measured(lmbda_code: int, effort: int) -> tuple[float, Encoding]:
            encoding = encode(lmbda_code, effort)
            if pixels is None:
                return math.log2(len(encoding.blob)), encoding
            error = (to_tensor(self.synthesise(encoding)).float() - pixels.float()).square().mean()
            return psnr(error, peak=255.0).item(), encoding

        def plain(lmbda_code: int) -> tuple[float, Encoding]:
            value, encoding = measured(lmbda_code, 0)
            known[lmbda_code] = value
            return value, encoding

        lowest, highest = lmbda_to_code(LMBDA_MIN), lmbda_to_code(LMBDA_MAX)
        found, nearest = meet(goal, plain, lowest, highest, lmbda_to_code(DEFAULT_LMBDA))
        if effort:
            first = min(known, key=lambda code: abs(known[code] - goal.value))
            found, nearest = meet(goal, lambda code: measured(code, effort), lowest, highest, first, known)
        if found is None:
            raise ValueError(
                out_of_reach(goal, nearest, lmbda_from_code(lowest if goal.at_most else highest))
            )
        return found

    @torch.inference_mode()
    def code_latents(
        self,
        y: Tensor,
        z: Tensor | None,
        size: tuple[int, int],
        lmbda_code: int,
        progress: Progress | None = None,
    ) -> Encoding:
        """Code latents: z [N, h/4, w/4] (None without hyper-latent) around its medians, then y [M, h, w]
        around its means.

        Args:
            y: scaled for λ, not quantised; whatever latents, a decoder makes its picture of them.
            size: height and width of the picture that they stand for.
            lmbda_code: λ as the header has it (``container.lmbda_to_code``).
        """
        entropy_model, encoder = self.entropy_model, SymbolEncoder()
        z_hat = None
        if z is not None and entropy_model.z_coding is not None:
            z_order = all_at_once(*z.shape[-2:])
            z_hat = self._write(encoder, z, z_order, entropy_model.z_coding, entropy_model.z_coding.tables)
        schedule = entropy_model.schedule(*y.shape[-2:])
        predictor = entropy_model.y_predictor(z_hat, schedule)
        y_hat = self._write(encoder, y, schedule, predictor, entropy_model.y_tables, progress)
        height, width = size
        header = Header(self.fingerprint, width, height, lmbda_code, latent_check(y_hat, 2.0**-BITS))
        blob = pack(header, encoder.payload())
        return Encoding(blob, unpack(blob)[0], y_hat, z_hat)

    @torch.inference_mode()
    def decode(self, blob: bytes, progress: Progress | None = None) -> Decoding:
        """The latents in ``blob``, without the picture; errors as for ``decompress``."""
        header, payload = unpack(blob)
        if header.fingerprint != self.fingerprint:
            raise BitstreamError(
                f"The file was made with other weights (fingerprint {header.fingerprint.hex()}) than this "
                "model has "
                f"({self.fingerprint.hex()}). Name the model that compressed it."
            )
        self._check_size(header.height, header.width, BitstreamError)
        latent_size = conv_output_size(self.model.g_a, self._padded(header.height, header.width))
        decoder = SymbolDecoder(payload)
        z_hat, z_coding = None, self.entropy_model.z_coding
        if z_coding is not None and isinstance(self.model, HyperpriorModel):
            z_order = all_at_once(*conv_output_size(self.model.h_a, latent_size))
            z_hat = self._read(decoder, self.model.N, z_order, z_coding, z_coding.tables)
        schedule = self.entropy_model.schedule(*latent_size)
        predictor = self.entropy_model.y_predictor(z_hat, schedule)
        y_hat = self._read(decoder, self.model.M, schedule, predictor, self.entropy_model.y_tables, progress)
        if latent_check(y_hat, 2.0**-BITS) != header.latent_check:
            raise BitstreamError(
                "The picture came out differently than it was encoded, though the file is whole: the "
                "program that made it, or this "
                "one, computes differently than it should. Try another version of PyTorch or another "
                "device, and report it."
            )
        return Decoding(header, y_hat, z_hat)

    @torch.inference_mode()
    def analyse(self, pixels: Tensor, lmbda: float | None, progress: Progress | None = None) -> Tensor:
        """uint8 pixels [3, H, W] to y [M, h, w] on the networks' device, scaled for ``lmbda``;
        in tiles if the picture is big.
        """
        height, width = pixels.shape[-2:]
        bottom, right = (
            padded - side for padded, side in zip(self._padded(height, width), (height, width), strict=True)
        )
        padded = np.pad(pixels.cpu().numpy(), ((0, 0), (0, bottom), (0, right)), mode="edge")
        gain, _ = self.gains(lmbda)

        def transform(part: Tensor) -> Tensor:
            x = to_float(part.to(self.device)).contiguous(memory_format=torch.channels_last)
            return self._through(self.model.g_a, x) * gain

        if self.model.padding == "valid" or not self.fast:
            return transform(torch.from_numpy(padded)[None])[0]
        return tiled(
            transform,
            torch.from_numpy(padded)[None],
            STRIDE,
            1,
            self.tile,
            progress=_stage(progress, "transform"),
        )[0]

    @torch.inference_mode()
    def synthesise(self, decoding: Decoding | Encoding, progress: Progress | None = None) -> Image.Image:
        """The picture that latents stand for; in tiles if it is big."""
        header = decoding.header
        _, inverse_gain = self.gains(header.lmbda)

        def transform(part: Tensor) -> Tensor:
            y_hat = part.to(self.device, torch.float32)
            x_hat = self._through(
                self.model.g_s, (y_hat * inverse_gain).contiguous(memory_format=torch.channels_last)
            )
            return x_hat.clamp_(0, 1).mul_(255).round_().to(torch.uint8).cpu()

        if self.model.padding == "valid" or not self.fast:
            picture = transform(decoding.y_hat[None])
        else:
            picture = tiled(
                transform, decoding.y_hat[None], 1, STRIDE, self.tile, progress=_stage(progress, "transform")
            )
        return to_image(picture[0, :, : header.height, : header.width])

    def _through(self, network: nn.Sequential, x: Tensor) -> Tensor:
        return apply(network, x) if self.fast else network(x)

    def _write(
        self,
        encoder: SymbolEncoder,
        latent: Tensor,
        schedule: Schedule,
        predictor: Predictor,
        tables: Tables,
        progress: Progress | None = None,
    ) -> Tensor:
        """Code a latent [C, h, w]; returns its quantised values."""
        rows = latent.flatten(1).T.contiguous()  # [positions, C]
        order = torch.from_numpy(schedule.order).to(rows.device)
        tell = _stage(progress, "coding")

        def code(block: slice, means: Tensor, which: Tensor) -> Tensor:
            symbols = torch.round(rows[order[block]].double() - means)
            symbols = symbols.clamp_(-LARGEST_SYMBOL, LARGEST_SYMBOL)
            encoder.encode(
                tables, which.cpu().numpy().ravel(), symbols.cpu().numpy().astype(np.int32).ravel()
            )
            if tell is not None:
                tell(block.stop, len(order))
            return symbols

        return walk(schedule, rows.shape[1], predictor, code, self.device)

    def _read(
        self,
        decoder: SymbolDecoder,
        channels: int,
        schedule: Schedule,
        predictor: Predictor,
        tables: Tables,
        progress: Progress | None = None,
    ) -> Tensor:
        """Decode a latent; returns its quantised values [channels, h, w]."""
        tell = _stage(progress, "coding")

        def code(block: slice, means: Tensor, which: Tensor) -> Tensor:
            symbols = decoder.decode(tables, which.cpu().numpy().ravel())
            if tell is not None:
                tell(block.stop, len(schedule.order))
            return torch.from_numpy(symbols).to(self.device, torch.float64).view(which.shape)

        return walk(schedule, channels, predictor, code, self.device)

    def _padded(self, height: int, width: int) -> tuple[int, int]:
        if self.model.padding == "valid":
            return height, width
        return height + -height % STRIDE, width + -width % STRIDE

    def _check_size(self, height: int, width: int, error: type[ValueError]) -> None:
        if max(height, width) > LARGEST_SIDE:
            raise error(
                f"The picture has {width}x{height} pixels, and the format holds sides of at most "
                f"{LARGEST_SIDE}."
            )
        if height * width > self.max_pixels:
            raise error(
                f"The picture has {width}x{height} pixels, more than the {self.max_pixels:,} that are "
                "allowed here, to bound "
                "memory and time. If it is meant to be that large, allow more with max_pixels (--max-pixels "
                "on the command line)."
            )
        if self.model.padding == "valid":
            check_size_without_padding(height, width, error)


def conv_output_size(network: nn.Sequential, size: tuple[int, int]) -> tuple[int, int]:
    """Height and width that a stack of convolutions makes of ``size``."""
    height, width = size
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            padding, kernel, stride = int(layer.padding[0]), layer.kernel_size[0], layer.stride[0]
            height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
    return height, width


def _pixels(image: Picture, max_pixels: int) -> Tensor:
    """uint8 [3, H, W] of any picture ``compress`` takes."""
    if isinstance(image, np.ndarray):
        if (
            image.dtype != np.uint8
            or image.ndim not in (2, 3)
            or (image.ndim == 3 and image.shape[2] not in (3, 4))
            or 0 in image.shape
        ):
            raise ValueError(
                f"An array must hold a picture as uint8 [H, W, 3], [H, W, 4] or [H, W], not {image.dtype} "
                f"{list(image.shape)}."
            )
        image = Image.fromarray(image)
    if isinstance(image, Image.Image):
        if 0 in image.size:
            raise ValueError(f"The picture has no pixels: {image.width}x{image.height}.")
    elif not isinstance(image, (str, Path)) and not hasattr(image, "read"):
        raise ValueError(
            f"A picture is a PIL image, a uint8 array, a path or an open file, not a {type(image).__name__}. "
            "jahp_lib.photos.to_image makes one of a tensor, io.BytesIO one of the bytes of a file."
        )
    return to_tensor(open_photo(image, max_pixels))


def _stage(progress: Progress | None, name: str) -> Callable[[int, int], None] | None:
    return None if progress is None else lambda done, total: progress(name, done, total)
