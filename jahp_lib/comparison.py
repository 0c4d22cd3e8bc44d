"""Several codecs on one folder of photos, as ``jahp evaluate`` compares them: measured photo by photo,
written as they come.

``measurements.csv`` gets a row as soon as it is known, so that an interruption or a late error loses none;
``results.json`` has the averages over photos, and ``curves.png`` draws them, beside published curves where
the photos are a known set.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from tqdm.auto import tqdm

from jahp_lib.codec.codec import MAX_PIXELS, Codec
from jahp_lib.codec.files import check_lmbda_range, read_picture
from jahp_lib.command_rules import writable
from jahp_lib.evaluation import (
    LMBDAS,
    PILLOW,
    Decode,
    Encode,
    Measurement,
    Point,
    average,
    bd_rate,
    curve,
    measure,
    pillow_bytes,
    pillow_has,
    pillow_picture,
    published,
)
from jahp_lib.photos.one_photo import PhotoError
from jahp_lib.photos.patches import photo_files
from jahp_lib.photos.whole_files import write_whole
from jahp_lib.reference_programs import installed_programs
from jahp_lib.weights import FOLDER

FORMAT = "jahp-results-1"
ROWS, RESULTS, CURVES = OUTPUTS = ("measurements.csv", "results.json", "curves.png")
RANGE = (0.2, 1.0)  # bit/pixel over which BD-rates are taken
MOST_BPP = 2.0  # where the plot of the curves ends
# the published curves that are drawn, by metric
SHOWN = {
    "psnr": ("Minnen 2018 (joint)", "BPG 4:4:4"),
    "ms_ssim": ("Minnen 2018 (joint, MS-SSIM)", "BPG 4:4:4"),
}
TECNICK_PHOTOS, TECNICK_SIDE = 100, 1200


@dataclass(frozen=True)
class Request:
    """What to compare: photos, where results go, and beside what.

    ``lmbdas`` are for models that serve every λ (eight if not given); ``others`` measures Pillow's codecs and
    installed programs; ``limit`` takes only the first so many photos; ``added`` are ``results.json`` of
    earlier runs on the same photos; ``photo_set`` says which set of published curves belongs to them where
    checksums cannot tell.
    """

    folder: Path
    out: Path
    lmbdas: Sequence[float] | None = None
    others: bool = True
    limit: int | None = None
    added: Sequence[Path] = ()
    photo_set: str | None = None
    force: bool = False


@dataclass(frozen=True)
class NamedModel:
    """Weights to measure and what to call them; ``curve`` is the name that was given for the curve, if one
    was."""

    weights: str
    name: str
    curve: str | None = None


@dataclass(frozen=True)
class Contestant:
    """A codec as it is measured: its name in tables and plots, how it codes, and at which settings."""

    name: str
    settings: Sequence[float | None]
    encode: Encode
    decode: Decode
    max_pixels: int = MAX_PIXELS


def named_models(words: Sequence[str]) -> list[NamedModel]:
    """Models from the words of ``--model``: a file, a name, or ``NAME=WEIGHTS``.

    A file called ``model.safetensors`` is called after its folder, as ``jahp train`` leaves it there.
    """
    models = []
    for word in words:
        curve_name, equals, weights = word.partition("=")
        if not equals or Path(word).exists():
            curve_name, weights = "", word
        path = Path(weights)
        is_file = path.suffix == ".safetensors"
        name = (path.resolve().parent.name if path.stem == "model" else path.stem) if is_file else weights
        models.append(NamedModel(weights, name, curve_name or None))
    return models


def split_number(name: str) -> tuple[str, float | None]:
    """A name without the number at its end, and that number: ``("mbt2018-mse", 4.0)`` for
    ``"mbt2018-mse-4"``."""
    found = re.fullmatch(r"(.*[^-_])[-_](\d+(?:\.\d+)?)", name)
    return (found[1], float(found[2])) if found else (name, None)


def learned_contestants(
    models: Sequence[NamedModel], load: Callable[[str], Codec], lmbdas: Sequence[float]
) -> list[Contestant]:
    """One contestant for each model. Models for one λ that share a curve's name are its points, told apart by
    their numbers.

    Raises:
        ValueError: two curves would have the same name.
    """
    contestants: list[Contestant] = []
    for model in models:
        codec = load(model.weights)
        family, number = (model.name, None) if codec.serves_every_lmbda else split_number(model.name)
        name = model.curve or f"JAHP {family}"
        same = [other for other in contestants if other.name == name]
        if same and (codec.serves_every_lmbda or len(same[0].settings) > 1):
            raise ValueError(
                f"Two of the models would be called {name!r}. Give each a name of its own: "
                f"--model NAME={model.weights}."
            )
        if same and (number is None or any(number in other.settings for other in same)):
            number = 1.0 + max(other.settings[0] or 0.0 for other in same)
        settings: Sequence[float | None] = lmbdas if codec.serves_every_lmbda else [number]
        contestants.append(
            Contestant(name, settings, partial(_compress, codec), codec.decompress, codec.max_pixels)
        )
    return contestants


def _compress(codec: Codec, image: Image.Image, setting: float | None) -> bytes:
    return codec.compress(image, lmbda=setting if codec.serves_every_lmbda else None)


def other_contestants() -> tuple[list[Contestant], list[str]]:
    """Pillow's codecs, as far as this Pillow has them, and BPG, VTM and HM where installed; what to say of
    those that are not used."""
    pillow = [
        Contestant(name, settings, partial(pillow_bytes, name), pillow_picture)
        for name, (_, _, settings) in PILLOW.items()
        if pillow_has(name)
    ]
    programs, notes = installed_programs()
    return [
        *pillow,
        *(Contestant(program.name, program.settings, program.encode, program.decode) for program in programs),
    ], notes


@dataclass
class Results:
    """What became of a comparison: measurements of whole photos, and all that ``results.json`` says beside
    the averages."""

    models: list[str]
    photos_sha256: str
    photo_set: str | None
    added: list[Point]
    notes: list[str]
    measurements: list[Measurement] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    complete: bool = False

    @property
    def points(self) -> list[Point]:
        """Averages, those that were measured before after those of this run."""
        return [*average(self.measurements), *self.added]

    @property
    def photos(self) -> int:
        """How many photos were measured."""
        return len({measurement.photo for measurement in self.measurements})


def evaluate_folder(request: Request, models: Sequence[NamedModel], load: Callable[[str], Codec]) -> str:
    """Measure models, and other codecs beside them, on a folder of photos; write the results; returns a table
    to print.

    Args:
        request: photos, where results go, and beside what.
        models: what to measure.
        load: makes the codec of a model's weights.

    Raises:
        PhotoError: the folder is missing or holds no photo that can be read.
        ValueError: a λ is out of range, a result is there already, or earlier results do not fit.
    """
    for lmbda in request.lmbdas or ():
        check_lmbda_range(lmbda)
    files = listed_photos(request.folder, request.limit)
    sources: list[str | Path] = [*files, *request.added, *(model.weights for model in models)]
    targets = [request.out / name for name in OUTPUTS]
    if request.out.is_dir():
        for target in targets:
            writable(target, sources, request.force)
    checksums = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    photos_sha256 = hashlib.sha256(" ".join(sorted(checksums)).encode()).hexdigest()
    photo_set = known_set(checksums) or _said_set(request.photo_set, files)
    added = [point for file in request.added for point in read_results(file, photos_sha256)]
    learned = learned_contestants(models, load, request.lmbdas or LMBDAS)
    others, notes = other_contestants() if request.others else ([], [])
    contestants = learned + others
    earlier = [point for point in _without_repetition(added) if not _measured_now(point, contestants)]
    names = list(dict.fromkeys(contestant.name for contestant in learned))
    results = Results(names, photos_sha256, photo_set, earlier, notes)
    request.out.mkdir(parents=True, exist_ok=True)
    with _row_writer(request.out / ROWS) as write_row:
        try:
            for measurements in _measured(request.folder, files, contestants, results.left_out, write_row):
                results.measurements += measurements
            results.complete = True
        finally:
            if results.measurements:
                write_results(request.out, results)
    if not results.measurements:
        reasons = "\n  ".join(list(results.left_out.values())[:10])
        raise PhotoError(f"None of the photos in {request.folder} could be measured:\n  {reasons}")
    return "\n".join([*table(results), f"Written: {request.out}/{', '.join(OUTPUTS)}"])


def _measured(
    folder: Path,
    files: Sequence[Path],
    contestants: Sequence[Contestant],
    left_out: dict[str, str],
    write_row: Callable[[Measurement], None],
) -> Iterator[list[Measurement]]:
    """Photo by photo, so that one is in memory at a time: what every contestant made of it. What cannot be
    read is left out."""
    steps = len(files) * sum(len(contestant.settings) for contestant in contestants)
    max_pixels = min(contestant.max_pixels for contestant in contestants)
    with tqdm(total=steps, unit="file") as bar:
        for file in files:
            name = file.relative_to(folder).as_posix()
            bar.set_description(name)
            try:
                image, _ = read_picture(file, max_pixels)
            except PhotoError as error:
                left_out[name] = str(error)
                bar.update(steps // len(files))
                continue
            found = []
            for contestant in contestants:
                for setting in contestant.settings:
                    row = measure(
                        contestant.name,
                        contestant.encode,
                        contestant.decode,
                        {name: image},
                        [setting],
                        progress=False,
                    )
                    write_row(row[0])
                    found += row
                    bar.update()
            yield found


# --- which photos -------------------------------------------------------------------------------------------


def listed_photos(folder: Path, limit: int | None = None) -> list[Path]:
    """The photos of a folder and its subfolders, without the plots that earlier comparisons left there.

    Raises:
        PhotoError: there is no such folder, or no photo in it.
        ValueError: ``limit`` is below 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit is how many photos to take, at least 1, not {limit}.")
    if not folder.is_dir():
        raise PhotoError(f"There is no folder {folder}.")
    files = photo_files(folder)[:limit]
    if not files:
        raise PhotoError(f"{folder} holds no photo (PNG, JPEG, WebP, TIFF or BMP).")
    return files


def known_set(checksums: Sequence[str]) -> str | None:
    """ "kodak" if these are the sha256 of the 24 Kodak photos, whatever the files are called, else None."""
    kodak = [line.split()[0] for line in (FOLDER / "kodak.sha256").read_text().splitlines()]
    return "kodak" if sorted(checksums) == sorted(kodak) else None


def _said_set(photo_set: str | None, files: Sequence[Path]) -> str | None:
    """The set that the user says these photos are, as far as that can be: Tecnick is 100 photos of 1200x1200
    pixels."""
    if photo_set is None:
        return None
    sizes = set()
    for file in files:
        with Image.open(file) as image:  # the header alone
            sizes.add(image.size)
    if len(files) != TECNICK_PHOTOS or sizes != {(TECNICK_SIDE, TECNICK_SIDE)}:
        raise ValueError(
            f"These are not the Tecnick photos, which are {TECNICK_PHOTOS} of {TECNICK_SIDE}x{TECNICK_SIDE} "
            "pixels: leave --photo-set away."
        )
    return photo_set


# --- results in files ---------------------------------------------------------------------------------------


@contextmanager
def _row_writer(path: Path) -> Iterator[Callable[[Measurement], None]]:
    """A function that adds a measurement to a CSV file at once; the file is begun with the first."""
    columns = [*(column.name for column in fields(Measurement)), "bpp"]
    opened: list[Any] = []

    def write(measurement: Measurement) -> None:
        if not opened:
            opened.append(path.open("w", newline="", encoding="utf-8"))
            csv.DictWriter(opened[0], columns, lineterminator="\n").writeheader()
        row = {**asdict(measurement), "bpp": round(measurement.bpp, 6)}
        csv.DictWriter(opened[0], columns, lineterminator="\n").writerow(row)
        opened[0].flush()

    try:
        yield write
    finally:
        for file in opened:
            file.close()


def write_results(folder: Path, results: Results) -> None:
    """Write ``results.json`` (averages and what they are of) and ``curves.png``."""
    content = {
        "format": FORMAT,
        "models": results.models,
        "photos": results.photos,
        "photos_sha256": results.photos_sha256,
        "photo_set": results.photo_set,
        "kodak": results.photo_set == "kodak",
        "complete": results.complete,
        "left_out": results.left_out,
        "bd_rate_percent_0.2_to_1.0_bpp": bd_rates(results),
        "averages": [_as_json(point) for point in results.points],
    }
    write_whole(folder / RESULTS, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    picture = io.BytesIO()
    plot_curves(results.points, results.photo_set).savefig(picture, format="png", dpi=150)
    write_whole(folder / CURVES, picture.getvalue())


def _as_json(point: Point) -> dict[str, Any]:
    """A point without infinity (PSNR of pictures that are the same) and NaN (MS-SSIM of small ones), which
    JSON has not."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(point).items()
    }


def read_results(path: Path, photos_sha256: str) -> list[Point]:
    """The averages of an earlier comparison, from its ``results.json``.

    Raises:
        ValueError: there is no such file, it is none, it was measured on other photos, or it was broken off.
    """
    if not path.is_file():
        raise ValueError(
            f"There is no file {path} to add: give the results.json of an earlier jahp evaluate."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise KeyError("format")
        sha256, complete = content["photos_sha256"], content["complete"]
        points = [_from_json(entry) for entry in content["averages"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} holds no results of this version's jahp evaluate ({error!r}): measure again."
        ) from error
    if sha256 != photos_sha256:
        raise ValueError(f"{path} was measured on other photos, so its averages cannot stand beside these.")
    if not complete:
        raise ValueError(f"{path} is of a run that was broken off, over fewer photos: measure again.")
    return points


def _from_json(entry: Mapping[str, Any]) -> Point:
    values: dict[str, Any] = {column.name: entry[column.name] for column in fields(Point)}
    for name, stands_for in {"psnr": math.inf, "psnr_luma": math.inf}.items():
        values[name] = stands_for if values[name] is None else values[name]
    for name in ("ms_ssim", "psnr_bpp", "ms_ssim_bpp"):
        values[name] = math.nan if values[name] is None else values[name]
    return Point(**values)


def _measured_now(point: Point, contestants: Sequence[Contestant]) -> bool:
    """Whether this run measures a point of an earlier one again: a codec's whole curve, or one point of a
    family."""
    same = [contestant for contestant in contestants if contestant.name == point.codec]
    return any(len(one.settings) > 1 or one.settings[0] in (None, point.setting) for one in same)


def _without_repetition(points: Sequence[Point]) -> list[Point]:
    """One point for each codec and setting, the first that was given."""
    kept: dict[tuple[str, float | None], Point] = {}
    for point in points:
        kept.setdefault((point.codec, point.setting), point)
    return sorted(kept.values(), key=lambda point: (point.codec, point.bpp))


# --- what is said and drawn ---------------------------------------------------------------------------------


def bd_rates(results: Results) -> dict[str, dict[str, float]]:
    """For each model, the BD-rate in percent against every other codec, over what that one reaches from 0.2
    to 1.0 bit/pixel.

    Published curves of the photo set are among them. Left out is what has fewer than four points, no quality
    in common, or a PSNR that an earlier run averaged over fewer photos.
    """
    points = results.points
    anchors = {codec: curve(points, codec) for codec in dict.fromkeys(point.codec for point in points)}
    if results.photo_set is not None:
        curves = published(results.photo_set)
        anchors |= {f"{codec}, published": curves[codec] for codec in SHOWN["psnr"]}
    found: dict[str, dict[str, float]] = {}
    for model in results.models:
        found[model] = {}
        for codec, anchor in anchors.items():
            if codec == model or _psnr_photos(points, codec) not in (None, _psnr_photos(points, model)):
                continue
            try:
                found[model][codec] = bd_rate(anchor, curve(points, model), rates=RANGE)
            except ValueError:  # too few points or no common quality: there is no number to give
                continue
    return found


def _psnr_photos(points: Sequence[Point], codec: str) -> int | None:
    """Over how many photos a codec's PSNR is averaged; None for a published curve."""
    return next((point.psnr_photos for point in points if point.codec == codec), None)


def table(results: Results) -> list[str]:
    """Averages, BD-rates and what they leave out, as lines of text."""
    points = results.points
    width = max(16, *(len(point.codec) + 1 for point in points))
    lines = [
        f"{'codec':{width}}{'setting':>9}{'bit/pixel':>11}{'PSNR dB':>9}{'luma dB':>9}{'MS-SSIM':>9}"
        f"{'encode s':>10}{'decode s':>10}"
    ]
    for point in points:
        setting = "" if point.setting is None else f"{point.setting:g}"
        ms_ssim = "-" if math.isnan(point.ms_ssim) else f"{point.ms_ssim:.4f}"
        lines.append(
            f"{point.codec:{width}}{setting:>9}{point.bpp:11.4f}{point.psnr:9.3f}{point.psnr_luma:9.3f}{ms_ssim:>9}"
            f"{point.encode_seconds:10.3f}{point.decode_seconds:10.3f}"
        )
    for model, rates in bd_rates(results).items():
        count = len(curve(points, model)[0])
        if count < 4:
            lines.append(f"BD-rate of {model}: needs a curve of at least four points, and this has {count}.")
        for codec, rate in rates.items():
            lines.append(f"BD-rate of {model} against {codec}, 0.2 to 1.0 bit/pixel: {rate:+.1f} %")
    return [*lines, *_left_out_of_averages(points), *_left_out(results.left_out), *results.notes]


def _left_out_of_averages(points: Sequence[Point]) -> list[str]:
    """Which averages are over fewer photos than were measured, and why."""
    lines = []
    for metric, count, why in (
        ("PSNR", "psnr_photos", "came out exactly in a codec, and then have none"),
        ("MS-SSIM", "ms_ssim_photos", "have a side below 161 pixels"),
    ):
        fewer: dict[tuple[int, int], list[str]] = {}
        for point in points:
            if getattr(point, count) < point.photos:
                fewer.setdefault((getattr(point, count), point.photos), []).append(point.codec)
        for (have_it, photos), codecs in fewer.items():
            of = f" of {', '.join(dict.fromkeys(codecs))}" if len(fewer) > 1 else ""
            lines.append(f"{metric}{of}: over {have_it} of {photos} photos; the others {why}.")
    return lines


def _left_out(reasons: Mapping[str, str]) -> list[str]:
    if not reasons:
        return []
    more = [f"  and {len(reasons) - 10} more"] if len(reasons) > 10 else []
    return [
        f"Left out, since they cannot be read ({len(reasons)}):",
        *(f"  {why}" for why in list(reasons.values())[:10]),
        *more,
    ]


def plot_curves(points: Sequence[Point], photo_set: str | None = None) -> Figure:
    """PSNR, and MS-SSIM in dB where there is any, against rate for every codec; published curves for a known
    set of photos."""
    metrics = {"psnr": "PSNR (dB)"}
    if any(point.ms_ssim_photos for point in points):
        metrics["ms_ssim"] = "MS-SSIM (dB)"
    figure = Figure(figsize=(7.5 * len(metrics), 5.5), layout="constrained")
    axes = figure.subplots(1, len(metrics), squeeze=False)[0]
    for ax, (metric, label) in zip(axes, metrics.items(), strict=True):
        _plot_metric(ax, points, metric, photo_set)
        ax.set(xlim=(0, MOST_BPP), xlabel="rate (bit/pixel)", ylabel=label)
        ax.grid(alpha=0.25)
        ax.legend(frameon=False, fontsize=8)
    return figure


def _plot_metric(ax: Axes, points: Sequence[Point], metric: str, photo_set: str | None) -> None:
    shown = []
    for index, codec in enumerate(dict.fromkeys(point.codec for point in points)):
        rates, qualities = curve(points, codec, metric)
        ax.plot(rates, qualities, marker="osD^vP*X<>"[index % 10], markersize=4, label=codec)
        shown += list(qualities[rates <= MOST_BPP])
    if photo_set is not None:
        curves = published(photo_set, metric)
        for codec, dash in zip(SHOWN[metric], ("--", ":"), strict=True):
            ax.plot(*curves[codec], dash, color="#777777", label=f"{codec}, published")
    if shown:
        ax.set_ylim(min(shown) - 1, max(shown) + 1)
