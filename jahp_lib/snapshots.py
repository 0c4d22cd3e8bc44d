"""Lesson 12. What a model makes of one fixed photo, kept after every epoch, small enough to scrub through
later.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from jahp_lib.photos.one_photo import to_image
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.rate_distortion import bits_per_pixel, psnr

CHANNELS = 4  # how many of the strongest latent channels a snapshot keeps


@dataclass(frozen=True)
class Snapshot:
    """One photo through one model. Maps are [h, w], one value for each 16x16 pixels; float16 in memory and on
    disk.

    ``channels`` are the indices of latent channels, by default the strongest (most bits), ``latents``,
    ``means``, ``scales`` theirs [CHANNELS, h, w] (means and scales are empty where the model has none);
    ``y_bits`` the bits of all channels at each position; ``z_bits`` the bits of the hyper-latent in all.
    ``bpp`` in bit/pixel, ``psnr`` in dB of the 8-bit picture.
    """

    epoch: int
    step: int
    lmbda: float
    bpp: float
    psnr: float
    z_bits: float
    channels: np.ndarray
    latents: np.ndarray
    means: np.ndarray
    scales: np.ndarray
    y_bits: np.ndarray
    x_hat: Image.Image

    def save(self, path: str | Path) -> None:
        """Write to one ``.npz``, the reconstruction in it as PNG; whole or not at all."""
        picture = io.BytesIO()
        self.x_hat.save(picture, "PNG", optimize=True)
        fields = {**vars(self), "x_hat": np.frombuffer(picture.getvalue(), np.uint8)}
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **fields)
        write_whole(path, buffer.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> Snapshot:
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as file:
            fields = {name: file[name] for name in file.files}
        picture = Image.open(io.BytesIO(fields.pop("x_hat").tobytes())).convert("RGB")
        return cls(
            **{name: value.item() if value.ndim == 0 else value for name, value in fields.items()},
            x_hat=picture,
        )


def take_snapshot(
    model: nn.Module, x: Tensor, lmbda: float, epoch: int, step: int, channels: Sequence[int] | None = None
) -> Snapshot:
    """Run ``model`` in evaluation mode on one photo x [1, 3, H, W] in [0, 1] and keep what is worth looking
    at.

    The model is left in the mode it was in. ``channels`` of y to keep are the strongest by default, ordered
    by the bits they take.
    """
    was_training = model.training
    model.eval()
    with torch.inference_mode():
        out = model(x, lmbda)
    model.train(was_training)
    by_bits = out.y_bits[0].sum((1, 2)).argsort(descending=True)
    kept_channels = by_bits[:CHANNELS] if channels is None else torch.tensor(list(channels))
    picture = to_image(out.x_hat)
    original = np.asarray(to_image(x), dtype=np.float64)
    mse = float(np.mean((np.asarray(picture, dtype=np.float64) - original) ** 2))

    def kept(values: Tensor | None) -> np.ndarray:
        return np.zeros((0, 0, 0), np.float16) if values is None else as_float16(values[0, kept_channels])

    return Snapshot(
        epoch=epoch,
        step=step,
        lmbda=lmbda,
        bpp=bits_per_pixel(out, *x.shape[-2:]).item(),
        psnr=psnr(mse, peak=255.0).item(),
        z_bits=out.z_bits.sum().item(),
        channels=kept_channels.cpu().numpy(),
        latents=kept(out.y_hat),
        means=kept(out.means),
        scales=kept(out.scales),
        y_bits=as_float16(out.y_bits[0].sum(0)),
        x_hat=picture,
    )


def as_float16(values: Tensor) -> np.ndarray:
    """Values as float16, those of an untrained or diverged model that are too large for it as the largest it
    has.
    """
    largest = float(np.finfo(np.float16).max)
    return values.clamp(-largest, largest).cpu().numpy().astype(np.float16)


def load_snapshots(folder: str | Path) -> list[Snapshot]:
    """All snapshots of a run, in the order of their steps; ``folder`` is the run's or its ``snapshots``."""
    folder = Path(folder)
    subfolder = folder / "snapshots"
    folder = subfolder if subfolder.is_dir() else folder
    shots = [Snapshot.load(file) for name in ("epoch_*.npz", "step_*.npz") for file in folder.glob(name)]
    return sorted(shots, key=lambda shot: shot.step)
