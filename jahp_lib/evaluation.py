"""Lesson 12. Rate and distortion of real files: ours, other codecs', and the published curves beside them.

Everything is measured on what a user would get: bytes of the file, PSNR and MS-SSIM of the decoded 8-bit picture against the
original. Averages are the usual ones: for each setting the mean over photos of bit/pixel, of PSNR in dB, and of MS-SSIM.

    jahp evaluate FOLDER --model small
"""

from __future__ import annotations

import csv
import io
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import bjontegaard
import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image, features
from pytorch_msssim import ms_ssim as pytorch_ms_ssim
from tqdm.auto import tqdm

from jahp_lib.codec import Codec
from jahp_lib.photos.one_photo import PhotoError, open_photo
from jahp_lib.photos.patches import EXTENSIONS
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.rate_distortion import check_lmbda, psnr
from jahp_lib.weights import FOLDER

PUBLISHED = FOLDER / "kodak_published_rd.csv"
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
MOST_BPP = 2.0  # where the plot of the curves ends
MS_SSIM_SIDE = 161  # below this, its five scales do not fit


@dataclass(frozen=True)
class Measurement:
    """One photo through one codec at one setting.

    ``size`` in bytes, ``psnr`` in dB, ``ms_ssim`` in [0, 1] (NaN for small photos), times in seconds.
    """

    codec: str
    setting: float
    photo: str
    width: int
    height: int
    size: int
    psnr: float
    ms_ssim: float
    encode_seconds: float
    decode_seconds: float

    @property
    def bpp(self) -> float:
        """Bits of the file for each pixel."""
        return 8 * self.size / (self.width * self.height)


@dataclass(frozen=True)
class Point:
    """A codec's average over photos at one setting."""

    codec: str
    setting: float
    photos: int
    bpp: float
    psnr: float
    ms_ssim: float
    encode_seconds: float
    decode_seconds: float


def picture_psnr(original: Image.Image, decoded: Image.Image) -> float:
    """PSNR in dB of two RGB pictures of the same size, over all pixels and colours; infinite if they are the same."""
    difference = np.asarray(original, dtype=np.float64) - np.asarray(decoded, dtype=np.float64)
    return psnr(np.mean(difference**2), peak=255.0).item()


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


Encode = Callable[[Image.Image, float], bytes]
Decode = Callable[[bytes], Image.Image]


def measure(
    codec: str,
    encode: Encode,
    decode: Decode,
    photos: Mapping[str, Image.Image],
    settings: Sequence[float],
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


# Pillow's encoders: format, options of a setting, and settings from small to large files over about 0.1 to 2 bit/pixel.
PILLOW: dict[str, tuple[str, Callable[[float], dict], Sequence[float]]] = {
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
    kind, options, _ = PILLOW[codec]
    buffer = io.BytesIO()
    image.save(buffer, kind, **options(setting))
    return buffer.getvalue()


def measure_pillow(codec: str, photos: Mapping[str, Image.Image], progress: bool = True) -> list[Measurement]:
    """One of ``PILLOW``'s codecs over its settings; empty where this Pillow was built without it."""
    kind, _, settings = PILLOW[codec]
    feature = {"JPEG": "jpg", "JPEG2000": "jpg_2000", "WEBP": "webp", "AVIF": "avif"}[kind]
    if not features.check(feature):
        return []

    def decode(blob: bytes) -> Image.Image:
        return Image.open(io.BytesIO(blob)).convert("RGB")

    return measure(codec, partial(pillow_bytes, codec), decode, photos, settings, progress)


def average(measurements: Iterable[Measurement]) -> list[Point]:
    """The usual averages: one point for each codec and setting, ordered by rate within a codec."""
    groups: dict[tuple[str, float], list[Measurement]] = {}
    for measurement in measurements:
        groups.setdefault((measurement.codec, measurement.setting), []).append(measurement)

    def mean(group: list[Measurement], name: str) -> float:
        return float(np.mean([getattr(measurement, name) for measurement in group]))

    points = [
        Point(
            codec,
            setting,
            len(group),
            *(mean(group, name) for name in ("bpp", "psnr", "ms_ssim", "encode_seconds", "decode_seconds")),
        )
        for (codec, setting), group in groups.items()
    ]
    return sorted(points, key=lambda point: (point.codec, point.bpp))


def curve(points: Iterable[Point], codec: str) -> tuple[np.ndarray, np.ndarray]:
    """Rates (bit/pixel) and PSNR (dB) of one codec, in rising order; without points of infinite PSNR, which lie on no curve."""
    own = sorted(
        (point.bpp, point.psnr) for point in points if point.codec == codec and math.isfinite(point.psnr)
    )
    return np.array([rate for rate, _ in own]), np.array([quality for _, quality in own])


def published() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Published Kodak averages: codec to rates (bit/pixel) and PSNR (dB); where each was published stands in the file."""
    return _curves(PUBLISHED)


def kodak_measured() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The same, measured here by ``jahp evaluate``: the shipped weights, and Pillow's codecs beside them."""
    return _curves(MEASURED)


def _curves(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rows: dict[str, list[tuple[float, float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["codec"], []).append((float(row["bpp"]), float(row["psnr_rgb_db"])))
    return {codec: tuple(np.array(sorted(points)).T) for codec, points in rows.items()}


def bd_rate(
    anchor: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    rates: tuple[float, float] | None = None,
) -> float:
    """Average difference in rate at equal PSNR, in percent: negative where ``test`` needs fewer bits than ``anchor``.

    Args:
        anchor, test: rates (bit/pixel) and PSNR (dB), at least four points each, both rising.
        rates: compare only over the PSNR that ``anchor`` reaches between these two rates, as in "0.2 to 1.0 bit/pixel".

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
    anchor, test = (_cut(points, low, high) for points in (anchor, test))
    return float(
        bjontegaard.bd_rate(*anchor, *test, method="akima", require_matching_points=False, min_overlap=0)
    )


def _cut(points: tuple[np.ndarray, np.ndarray], low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """The part of a curve between two PSNR, its ends interpolated (Akima on log rate), four points at the least."""
    from scipy.interpolate import Akima1DInterpolator

    rates, qualities = points
    inner = qualities[(qualities > low) & (qualities < high)]
    kept = np.unique(np.concatenate(([low, high], inner, np.linspace(low, high, 4)[1:-1])))
    return np.exp(Akima1DInterpolator(qualities, np.log(rates))(kept)), kept


def evaluate_folder(
    folder: str | Path,
    name: str,
    model: torch.nn.Module,
    lmbdas: Sequence[float],
    out: str | Path,
    others: bool = True,
    limit: int | None = None,
) -> str:
    """Measure a model, and Pillow's codecs beside it, on a folder of photos; write the results; returns a table to print.

    A model that serves a single λ makes the same file for all of them: only the first of ``lmbdas`` is measured, and names its point.

    Raises:
        PhotoError: the folder is missing or holds no photo.
        ValueError: a λ is not finite and above 0, or ``limit`` is below 1.
    """
    for lmbda in lmbdas:
        check_lmbda(lmbda)
    photos = read_photos(folder, limit)
    Path(out).mkdir(
        parents=True, exist_ok=True
    )  # what cannot be written is known before minutes of work, not after
    measurements = measure_codec(
        name, Codec(model), photos, lmbdas if model.serves_every_lmbda else lmbdas[:1]
    )
    for codec in PILLOW if others else ():
        measurements += measure_pillow(codec, photos)
    points = average(measurements)
    ours = curve(points, name)
    rates = {}
    for codec in dict.fromkeys(point.codec for point in points if point.codec != name):
        try:
            rates[codec] = bd_rate(curve(points, codec), ours, rates=(0.2, 1.0))
        except ValueError:  # too few points or no common quality: there is no number to give
            continue
    on_kodak = sorted(photos) == [
        line.split()[1] for line in (FOLDER / "kodak.sha256").read_text().splitlines()
    ]
    facts = {"model": name, "photos": len(photos), "kodak": on_kodak, "bd_rate_percent_0.2_to_1.0_bpp": rates}
    write_results(Path(out), measurements, facts)
    lines = [
        f"{'codec':16}{'setting':>9}{'bit/pixel':>11}{'PSNR dB':>9}{'MS-SSIM':>9}{'encode s':>10}{'decode s':>10}"
    ]
    for point in points:
        lines.append(
            f"{point.codec:16}{point.setting:9g}{point.bpp:11.4f}{point.psnr:9.3f}{point.ms_ssim:9.4f}"
            f"{point.encode_seconds:10.3f}{point.decode_seconds:10.3f}"
        )
    lines += [
        f"BD-rate of {name} against {codec}, 0.2 to 1.0 bit/pixel: {rate:+.1f} %"
        for codec, rate in rates.items()
    ]
    return "\n".join([*lines, f"Written: {out}/measurements.csv, results.json, curves.png"])


def read_photos(folder: str | Path, limit: int | None = None) -> dict[str, Image.Image]:
    """The photos of a folder by file name, whole.

    Raises:
        PhotoError: there is no such folder, a photo is damaged, or there is none.
        ValueError: ``limit`` is below 1.
    """
    folder = Path(folder)
    if limit is not None and limit < 1:
        raise ValueError(f"limit is how many photos to take, at least 1, not {limit}.")
    if not folder.is_dir():
        raise PhotoError(f"There is no folder {folder}.")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in EXTENSIONS)[:limit]
    if not files:
        raise PhotoError(f"{folder} holds no photo (PNG, JPEG, WebP, TIFF or BMP).")
    return {file.name: open_photo(file) for file in files}


def write_results(folder: Path, measurements: Sequence[Measurement], facts: Mapping[str, object]) -> None:
    """Write ``measurements.csv`` (a row for each photo), ``results.json`` (averages and ``facts``) and ``curves.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    points = average(measurements)
    text = io.StringIO()
    writer = csv.DictWriter(text, [*asdict(measurements[0]), "bpp"], lineterminator="\n")
    writer.writeheader()
    for measurement in measurements:
        writer.writerow({**asdict(measurement), "bpp": round(measurement.bpp, 6)})
    write_whole(folder / "measurements.csv", text.getvalue().encode())
    # JSON has no infinity (PSNR of pictures that are the same) and no NaN (MS-SSIM of small ones)
    averages = [
        {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(point).items()}
        for point in points
    ]
    write_whole(
        folder / "results.json", (json.dumps({**facts, "averages": averages}, indent=1) + "\n").encode()
    )
    picture = io.BytesIO()
    plot_curves(points, on_kodak=bool(facts.get("kodak"))).savefig(picture, format="png", dpi=150)
    write_whole(folder / "curves.png", picture.getvalue())


def plot_curves(points: Sequence[Point], on_kodak: bool = False) -> Figure:
    """PSNR against rate for every codec measured; on Kodak, with the published curves."""
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    ax = figure.subplots()
    markers = iter("osD^vP*X<>")
    for codec in dict.fromkeys(point.codec for point in points):
        ax.plot(*curve(points, codec), marker=next(markers, "."), markersize=4, label=codec)
    if on_kodak:
        for codec, dash in (("Minnen 2018 (joint)", "--"), ("BPG 4:4:4", ":")):
            ax.plot(*published()[codec], dash, color="#777777", label=f"{codec}, published")
    ax.set_xlim(0, MOST_BPP)
    shown = [point.psnr for point in points if point.bpp <= MOST_BPP and math.isfinite(point.psnr)]
    if shown:
        ax.set_ylim(min(shown) - 1, max(shown) + 1)
    ax.set_xlabel("rate (bit/pixel)")
    ax.set_ylabel("PSNR (dB)")
    ax.grid(alpha=0.25)
    ax.legend(frameon=False)
    return figure
