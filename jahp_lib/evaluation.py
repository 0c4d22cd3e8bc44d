"""Lesson 12. Rate and distortion of real files: ours, other codecs', and the published curves beside them.

Everything is measured on what a user would get: bytes of the file, PSNR and MS-SSIM of the decoded 8-bit
picture against the original. Averages are the usual ones: for each setting the mean over photos of bit/pixel,
of PSNR in dB, and of MS-SSIM.

``comparison`` measures whole folders with this; ``reference_programs`` adds BPG, VTM and HM where they are
installed.
"""

from __future__ import annotations

import csv
import io
import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import bjontegaard
import numpy as np
import torch
from PIL import Image, features
from pytorch_msssim import ms_ssim as pytorch_ms_ssim
from tqdm.auto import tqdm

from jahp_lib.codec.codec import Codec
from jahp_lib.photos.one_photo import opened
from jahp_lib.rate_distortion import psnr
from jahp_lib.weights import FOLDER

MEASURED = FOLDER / "kodak_measured.csv"
LMBDAS = (
    0.0018,
    0.0035,
    0.0067,
    0.013,
    0.025,
    0.0483,
    0.0932,
    0.18,
)  # the eight of CompressAI's published models
MS_SSIM_SIDE = 161  # below this, its five scales do not fit


Curve = tuple[np.ndarray, np.ndarray]  # rates in bit/pixel and qualities in dB, in rising order of rates


@dataclass(frozen=True)
class Measurement:
    """One photo through one codec at one setting.

    ``setting`` is None for a model that has no choice, ``size`` in bytes, ``psnr`` in dB over all colours and
    infinite if the picture came out exactly, ``ms_ssim`` in [0, 1] (NaN for small photos), times in seconds,
    ``psnr_luma`` in dB.
    """

    codec: str
    setting: float | None
    photo: str
    width: int
    height: int
    size: int
    psnr: float
    ms_ssim: float
    encode_seconds: float
    decode_seconds: float
    psnr_luma: float = math.nan

    @property
    def bpp(self) -> float:
        """Bits of the file for each pixel."""
        return 8 * self.size / (self.width * self.height)


@dataclass(frozen=True)
class Point:
    """A codec's average over photos at one setting; units as in ``Measurement``.

    ``photos`` counts those of ``bpp``. Each quality is averaged over the photos that have it, which
    ``psnr_photos`` and ``ms_ssim_photos`` count, and whose rates are ``psnr_bpp`` and ``ms_ssim_bpp``: a
    photo that came out exactly has no finite PSNR, a small one no MS-SSIM.
    """

    codec: str
    setting: float | None
    photos: int
    bpp: float
    psnr: float
    ms_ssim: float
    encode_seconds: float
    decode_seconds: float
    psnr_luma: float = math.nan
    psnr_photos: int = 0
    psnr_bpp: float = math.nan
    ms_ssim_photos: int = 0
    ms_ssim_bpp: float = math.nan


def picture_psnr(original: Image.Image, decoded: Image.Image) -> float:
    """PSNR in dB of two RGB pictures of the same size, over all pixels and colours; infinite if they are the
    same."""
    difference = np.asarray(original, dtype=np.float64) - np.asarray(decoded, dtype=np.float64)
    return _psnr_of_levels(difference)


def picture_psnr_luma(original: Image.Image, decoded: Image.Image) -> float:
    """PSNR in dB of the luma Y' = 0.299 R' + 0.587 G' + 0.114 B' of two RGB pictures, not rounded; infinite
    if it is the same.

    Source of the weights: ITU-R BT.601, as in JPEG; tensorflow/compression recommends luma for new results.
    """
    weights = np.array([0.299, 0.587, 0.114])
    first, second = (np.asarray(image, dtype=np.float64) @ weights for image in (original, decoded))
    return _psnr_of_levels(first - second)


def _psnr_of_levels(difference: np.ndarray) -> float:
    """PSNR in dB of a difference in grey levels, 0 to 255, in double precision."""
    return psnr(torch.tensor(np.mean(difference**2), dtype=torch.float64), peak=255.0).item()


def decibels(ms_ssim: float | np.ndarray) -> np.ndarray:
    """MS-SSIM in dB, ``-10 log10(1 - ms_ssim)``, which spreads the values near 1; infinite at 1."""
    with np.errstate(divide="ignore"):
        return -10.0 * np.log10(1.0 - np.asarray(ms_ssim, dtype=np.float64))


def picture_ms_ssim(original: Image.Image, decoded: Image.Image) -> float:
    """MS-SSIM of two RGB pictures, mean over colours; NaN where the shorter side is below 161 pixels.

    Source: Wang, Simoncelli & Bovik 2003, computed by pytorch-msssim.
    """
    if min(original.size) < MS_SSIM_SIDE:
        return math.nan
    first, second = (
        torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1)[None].double()
        for image in (original, decoded)
    )
    return pytorch_ms_ssim(first, second, data_range=255.0).item()


Encode = Callable[[Image.Image, Any], bytes]  # a picture and a setting
Decode = Callable[[bytes], Image.Image]


def measure(
    codec: str,
    encode: Encode,
    decode: Decode,
    photos: Mapping[str, Image.Image],
    settings: Sequence[float | None],
    progress: bool = True,
) -> list[Measurement]:
    """Each photo through a codec at each setting, by way of real bytes."""
    found = []
    work = [(setting, name, image) for setting in settings for name, image in photos.items()]
    for setting, name, image in tqdm(work, desc=codec, unit="photo", disable=not progress):
        started = time.perf_counter()
        blob = encode(image, setting)
        middle = time.perf_counter()
        decoded = decode(blob)
        ended = time.perf_counter()
        found.append(
            Measurement(
                codec=codec,
                setting=setting,
                photo=name,
                width=image.width,
                height=image.height,
                size=len(blob),
                psnr=picture_psnr(image, decoded),
                ms_ssim=picture_ms_ssim(image, decoded),
                encode_seconds=middle - started,
                decode_seconds=ended - middle,
                psnr_luma=picture_psnr_luma(image, decoded),
            )
        )
    return found


def measure_codec(
    name: str,
    codec: Codec,
    photos: Mapping[str, Image.Image],
    lmbdas: Sequence[float] = LMBDAS,
    progress: bool = True,
) -> list[Measurement]:
    """Our codec at several λ (one is enough for a model that serves a single λ)."""
    return measure(
        name,
        lambda image, lmbda: codec.compress(image, lmbda=lmbda),
        codec.decompress,
        photos,
        lmbdas,
        progress,
    )


# Pillow's encoders: format, options of a setting, and settings from small to large files over about 0.1 to 2
# bit/pixel.
PILLOW: dict[str, tuple[str, Callable[[float], dict[str, Any]], Sequence[float]]] = {
    "JPEG 4:2:0": (
        "JPEG",
        lambda q: {"quality": int(q), "subsampling": "4:2:0", "optimize": True},
        (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 88, 93),
    ),
    "JPEG 2000": (
        "JPEG2000",
        lambda ratio: {"quality_mode": "rates", "quality_layers": [ratio], "irreversible": True, "mct": 1},
        (200, 120, 80, 50, 35, 25, 18, 12, 8),
    ),
    "WebP": ("WEBP", lambda q: {"quality": int(q), "method": 6}, (1, 5, 10, 20, 35, 50, 65, 80, 90, 95)),
    "AVIF": (
        "AVIF",
        lambda q: {"quality": int(q), "speed": 4, "subsampling": "4:4:4"},
        (10, 20, 30, 40, 50, 60, 70, 80, 90),
    ),
}


def pillow_bytes(codec: str, image: Image.Image, setting: float) -> bytes:
    """The file that one of ``PILLOW``'s codecs makes of a photo."""
    format_name, options, _ = PILLOW[codec]
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options(setting))
    return buffer.getvalue()


def pillow_has(codec: str) -> bool:
    """Whether this Pillow was built with one of ``PILLOW``'s codecs."""
    feature = {"JPEG": "jpg", "JPEG2000": "jpg_2000", "WEBP": "webp", "AVIF": "avif"}[PILLOW[codec][0]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a Pillow before 11.3 has never heard of AVIF
        return bool(features.check(feature))


def pillow_picture(blob: bytes) -> Image.Image:
    """A file of one of ``PILLOW``'s codecs, decoded to RGB."""
    with opened(io.BytesIO(blob), max_pixels=None) as image:
        return image.convert("RGB")


def measure_pillow(codec: str, photos: Mapping[str, Image.Image], progress: bool = True) -> list[Measurement]:
    """One of ``PILLOW``'s codecs over its settings; empty where this Pillow was built without it."""
    if not pillow_has(codec):
        return []
    return measure(codec, partial(pillow_bytes, codec), pillow_picture, photos, PILLOW[codec][2], progress)


def average(measurements: Iterable[Measurement]) -> list[Point]:
    """The usual averages: one point for each codec and setting, ordered by rate within a codec.

    PSNR is averaged over the photos that have it in all codecs and settings that are given, so that all
    curves stand for the same photos: a black picture that comes out exactly from one codec counts for none.
    """
    groups: dict[tuple[str, float | None], list[Measurement]] = {}
    for measurement in measurements:
        groups.setdefault((measurement.codec, measurement.setting), []).append(measurement)
    exact = _exact_photos(list(groups.values()))
    points = [_average_point(group, exact) for group in groups.values()]
    return sorted(points, key=lambda point: (point.codec, point.bpp))


def _exact_photos(groups: Sequence[Sequence[Measurement]]) -> set[str]:
    """Photos that came out exactly at one setting or more; a setting that is exact for all photos tells of
    none."""
    lossy = [group for group in groups if any(math.isfinite(m.psnr) for m in group)]
    return {m.photo for group in lossy for m in group if not math.isfinite(m.psnr)}


def _average_point(group: Sequence[Measurement], exact: set[str]) -> Point:
    with_psnr = [m for m in group if m.photo not in exact and math.isfinite(m.psnr)]
    with_ms_ssim = [m for m in group if not math.isnan(m.ms_ssim)]
    return Point(
        codec=group[0].codec,
        setting=group[0].setting,
        photos=len(group),
        bpp=_mean(m.bpp for m in group),
        psnr=_mean(m.psnr for m in with_psnr) if with_psnr else math.inf,
        ms_ssim=_mean(m.ms_ssim for m in with_ms_ssim) if with_ms_ssim else math.nan,
        encode_seconds=_mean(m.encode_seconds for m in group),
        decode_seconds=_mean(m.decode_seconds for m in group),
        psnr_luma=_mean(m.psnr_luma for m in with_psnr) if with_psnr else math.inf,
        psnr_photos=len(with_psnr),
        psnr_bpp=_mean(m.bpp for m in with_psnr) if with_psnr else math.nan,
        ms_ssim_photos=len(with_ms_ssim),
        ms_ssim_bpp=_mean(m.bpp for m in with_ms_ssim) if with_ms_ssim else math.nan,
    )


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def curve(points: Iterable[Point], codec: str, metric: str = "psnr") -> Curve:
    """Rates (bit/pixel) and a quality in dB of one codec, in rising order; without points whose quality is
    not finite.

    ``metric`` is "psnr" or "ms_ssim" (here in dB, see ``decibels``). Rates are those of the photos that have
    it.
    """
    own = [
        (getattr(point, f"{metric}_bpp"), getattr(point, metric)) for point in points if point.codec == codec
    ]
    return _rising(own, metric)


def _rising(points: Sequence[tuple[float, float]], metric: str) -> Curve:
    """(rate, quality) in any order as a curve in dB."""
    table = np.array(sorted(points), dtype=np.float64).reshape(-1, 2)
    if metric == "ms_ssim":
        table[:, 1] = decibels(table[:, 1])
    table = table[np.isfinite(table[:, 1])]
    return table[:, 0], table[:, 1]


PUBLISHED_SETS = ("kodak", "tecnick")


def published(photo_set: str = "kodak", metric: str = "psnr") -> dict[str, Curve]:
    """Published averages over a set of photos, "kodak" or "tecnick": codec to rates (bit/pixel) and quality
    (dB).

    ``metric`` is "psnr" or "ms_ssim" (in dB). Where each was published stands in the files,
    ``weights/*_published_rd.csv``.

    Raises:
        ValueError: no curves of such a set are here.
    """
    if photo_set not in PUBLISHED_SETS:
        raise ValueError(
            f"There are published curves of {' and '.join(PUBLISHED_SETS)}, not of {photo_set!r}."
        )
    return _curves(FOLDER / f"{photo_set}_published_rd.csv", metric)


def kodak_measured() -> dict[str, Curve]:
    """The same, measured here by ``jahp evaluate``: the shipped weights, and Pillow's codecs beside them."""
    return _curves(MEASURED, "psnr")


def _curves(path: Path, metric: str) -> dict[str, Curve]:
    column = {"psnr": "psnr_rgb_db", "ms_ssim": "ms_ssim_rgb"}[metric]
    rows: dict[str, list[tuple[float, float]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row[column]:  # not every table gave every quality
                rows.setdefault(row["codec"], []).append((float(row["bpp"]), float(row[column])))
    return {codec: _rising(points, metric) for codec, points in rows.items()}


def bd_rate(
    anchor: Curve,
    test: Curve,
    rates: tuple[float, float] | None = None,
) -> float:
    """Average difference in rate at equal PSNR, in percent: negative where ``test`` needs fewer bits than
    ``anchor``.

    Args:
        anchor, test: rates (bit/pixel) and PSNR (dB), at least four points each, both rising.
        rates: compare only over the PSNR that ``anchor`` reaches between these two rates ("0.2 to 1.0
            bit/pixel").

    Raises:
        ValueError: fewer than four points, or the curves share no PSNR.

    Source: Bjøntegaard 2001 (VCEG-M33); Akima interpolation by the package bjontegaard.
    """
    if min(len(anchor[0]), len(test[0])) < 4:
        raise ValueError(
            f"BD-rate needs at least four points on each curve, not {len(anchor[0])} and {len(test[0])}."
        )
    low, high = max(anchor[1].min(), test[1].min()), min(anchor[1].max(), test[1].max())
    if rates is not None:
        bounds = np.interp(np.log(rates), np.log(anchor[0]), anchor[1])
        low, high = max(low, bounds[0]), min(high, bounds[1])
    if low >= high:
        raise ValueError("The two curves share no PSNR, so their rates cannot be compared.")
    anchor, test = _cut(anchor, low, high), _cut(test, low, high)
    return float(
        bjontegaard.bd_rate(*anchor, *test, method="akima", require_matching_points=False, min_overlap=0)
    )


def _cut(points: Curve, low: float, high: float) -> Curve:
    """The part of a curve between two PSNR, its ends interpolated (Akima on log rate), four points at the
    least."""
    from scipy.interpolate import Akima1DInterpolator

    rates, qualities = points
    inner = qualities[(qualities > low) & (qualities < high)]
    kept = np.unique(np.concatenate(([low, high], inner, np.linspace(low, high, 4)[1:-1])))
    return np.exp(Akima1DInterpolator(qualities, np.log(rates))(kept)), kept
