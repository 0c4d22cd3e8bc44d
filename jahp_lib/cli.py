"""The command line: ``jahp compress photo.png photo.jahp --lmbda 0.013`` and its companions.

A mistake in what was asked for ends in one sentence and exit code 2, never in a traceback. What a command
needs is imported when it runs, and only the parser of the command that was asked for is built: ``jahp
--help`` does not wait for PyTorch.
"""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import jahp_lib
from jahp_lib.command_rules import writable

if TYPE_CHECKING:
    from jahp_lib.codec import Codec

LMBDA_RANGE = "from 0.0018 (small file) to 0.18 (fine picture)"
PHOTO_SETS = ("kodak", "imagenette")


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for what the user can mend, 130 when stopped by Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        arguments = _parser(argv).parse_args(argv)
        arguments.command(arguments)
    except KeyboardInterrupt:
        print("jahp: stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        sentence = explain(error)
        if sentence is None:  # a defect of ours, which a traceback helps to find
            raise
        print(f"jahp: {sentence}", file=sys.stderr)
        return 2
    return 0


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    """The parser, with the options of that command alone which ``argv`` asks for: those of others may need
    PyTorch."""
    parser = argparse.ArgumentParser("jahp", description="Learned image compression, step by step.")
    parser.add_argument("--version", action="version", version=f"jahp {jahp_lib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    asked_for = next((word for word in argv if not word.startswith("-")), None)
    for name, (summary, add_options) in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == asked_for:
            add_options(command)
    return parser


def explain(error: Exception) -> str | None:
    """A sentence or two for what the user can mend: what was wrong and what to do. None for a defect of the
    program."""
    if isinstance(error, OSError) and error.errno is not None:
        return _explain_file_error(error)
    if isinstance(error, ValueError | OSError):
        return str(error)
    training = sys.modules.get("jahp_lib.training")  # if it was never imported, the error is not its
    if training is not None and isinstance(error, training.TrainingError):
        return str(error)
    out_of_memory = type(error).__name__ == "OutOfMemoryError" or "allocate memory" in str(error)
    if isinstance(error, MemoryError) or out_of_memory:
        return "There is not enough memory: take a smaller batch, patch or picture, or a smaller N and M."
    return None


def _explain_file_error(error: OSError) -> str:
    where = f" {error.filename}" if error.filename else ""
    advice = {
        errno.ENOSPC: "The disk is full: free some space and try again. Nothing half-written was left.",
        errno.EFBIG: "The file grew past the size allowed here. Nothing half-written was left.",
        errno.EACCES: "You may not write or read there: choose another place.",
        errno.EROFS: "That disk is read-only: choose another place.",
        errno.ENOENT: "There is no such file or folder: check the name.",
        errno.EISDIR: "That is a folder, and a file is needed: check the name.",
        errno.ENOTDIR: "A file stands where a folder is needed: check the name.",
    }.get(error.errno or 0, "")
    return f"{error.strerror}{where}. {advice}".strip()


# --- what several commands share ----------------------------------------------------------------------------


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="write over a target that exists")


def _add_device(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="cpu", help="cpu or cuda; files are the same (default: %(default)s)"
    )
    parser.add_argument(
        "--max-pixels",
        type=int,
        metavar="COUNT",
        help="refuse larger pictures, which take memory and time in proportion (default: 100,000,000)",
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="small", help="weights: a file, or the name of shipped ones (default: %(default)s)"
    )
    _add_device(parser)


def _codec_maker(arguments: argparse.Namespace) -> Callable[[str], Codec]:
    """What makes a codec of a model's weights, on the device and with the limit of pixels that were asked
    for."""
    from jahp_lib.codec.codec import MAX_PIXELS, Codec
    from jahp_lib.training import usable_device

    device = usable_device(arguments.device)
    max_pixels = MAX_PIXELS if arguments.max_pixels is None else arguments.max_pixels
    if max_pixels < 1:
        raise ValueError(f"--max-pixels must be at least 1, not {max_pixels}.")
    return lambda weights: Codec(jahp_lib.load(weights).to(device), max_pixels=max_pixels)


def _codec(arguments: argparse.Namespace) -> Codec:
    return _codec_maker(arguments)(arguments.model)


def _target(arguments: argparse.Namespace, ending: str) -> Path:
    """The file to write: the one named, or the source's name with this ending."""
    target = arguments.target or Path(arguments.source).with_suffix(ending)
    return writable(target, (arguments.source, arguments.model), arguments.force)


# --- the commands -------------------------------------------------------------------------------------------


def _compress_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="PNG, JPEG, WebP or TIFF")
    parser.add_argument("target", nargs="?", help="the file to write (default: the photo's name with .jahp)")
    wish = parser.add_mutually_exclusive_group()
    wish.add_argument(
        "--lmbda", type=float, help=f"{LMBDA_RANGE}; default 0.013 where the weights leave a choice"
    )
    wish.add_argument("--target-bytes", type=int, metavar="N", help="the best picture in at most N bytes")
    wish.add_argument("--target-bpp", type=float, metavar="R", help="the same in bits for each pixel")
    wish.add_argument(
        "--target-psnr", type=float, metavar="DB", help="the smallest file of DB decibels or more"
    )
    parser.add_argument(
        "--effort",
        type=int,
        default=0,
        metavar="STEPS",
        help="refine the latents of this photo for so many steps (200, say): a smaller file by R + λD, which "
        "every decoder reads; some seconds for each step and megapixel; Ctrl-C ends it early "
        "(default: %(default)s)",
    )
    _add_force(parser)
    _add_model(parser)

    def run(arguments: argparse.Namespace) -> None:
        target = _target(arguments, ".jahp")
        from jahp_lib.codec.files import compress_file

        report = compress_file(
            arguments.source,
            target,
            _codec(arguments),
            arguments.lmbda,
            progress=True,
            effort=arguments.effort,
            target_bytes=arguments.target_bytes,
            target_bpp=arguments.target_bpp,
            target_psnr=arguments.target_psnr,
        )
        print(report)

    parser.set_defaults(command=run)


def _decompress_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a .jahp file")
    parser.add_argument(
        "target", nargs="?", help="the picture to write (default: the file's name with .decoded.png)"
    )
    _add_force(parser)
    _add_model(parser)

    def run(arguments: argparse.Namespace) -> None:
        target = _target(arguments, ".decoded.png")
        from jahp_lib.codec.files import decompress_file

        print(decompress_file(arguments.source, target, _codec(arguments), progress=True))

    parser.set_defaults(command=run)


def _info_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="a .jahp file")

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.codec.info import describe, read_blob

        print(describe(read_blob(arguments.source)))

    parser.set_defaults(command=run)


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", nargs="?", help="default: a sample photo")
    parser.add_argument("--out", default="demo.png", help="the picture to write (default: %(default)s)")
    parser.add_argument(
        "--lmbda", type=float, help=f"{LMBDA_RANGE}; default 0.025 where the weights leave a choice"
    )
    _add_force(parser)
    _add_model(parser)

    def run(arguments: argparse.Namespace) -> None:
        sources = [arguments.model, *([arguments.photo] if arguments.photo else [])]
        out = writable(arguments.out, sources, arguments.force)
        from jahp_lib.demo import demo

        print(demo(arguments.photo, out, arguments.lmbda, _codec(arguments)))

    parser.set_defaults(command=run)


def _train_options(parser: argparse.ArgumentParser) -> None:
    from jahp_lib import training

    training.add_arguments(parser)
    parser.set_defaults(command=lambda arguments: training.main(arguments=arguments))


def _recipe_options(parser: argparse.ArgumentParser) -> None:
    from jahp_lib.training import recipes

    recipes.add_arguments(parser)
    parser.set_defaults(command=recipes.main)


def _evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", help="photos, in files of a format without loss; its subfolders too")
    parser.add_argument(
        "--model",
        action="append",
        metavar="[NAME=]WEIGHTS",
        help="weights: a file or a name (default: small); again for each further model. Models for one λ "
        "each are joined to one curve if they have one NAME, or if their names differ in the number at "
        "their end alone",
    )
    parser.add_argument(
        "--out",
        default="runs/evaluation",
        help="folder for measurements.csv, results.json, curves.png (%(default)s)",
    )
    parser.add_argument("--add", action="append", default=[], metavar="RESULTS.JSON", help="an earlier run's")
    parser.add_argument(
        "--lmbda", type=float, nargs="+", help=f"{LMBDA_RANGE}; default: eight over this range"
    )
    parser.add_argument("--without-others", action="store_true", help="measure no other codec (JPEG, AVIF …)")
    parser.add_argument("--limit", type=int, help="only the first so many photos")
    parser.add_argument(
        "--photo-set",
        choices=("tecnick",),
        help="draw this set's published curves; the Kodak photos are known by their checksums",
    )
    _add_force(parser)
    _add_device(parser)

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.comparison import Request, evaluate_folder, named_models

        names = named_models(arguments.model or ["small"])
        request = Request(
            folder=Path(arguments.folder),
            out=Path(arguments.out),
            lmbdas=arguments.lmbda,
            others=not arguments.without_others,
            limit=arguments.limit,
            added=[Path(file) for file in arguments.add],
            photo_set=arguments.photo_set,
            force=arguments.force,
        )
        print(evaluate_folder(request, names, _codec_maker(arguments)))

    parser.set_defaults(command=run)


def _table_options(parser: argparse.ArgumentParser) -> None:
    from jahp_lib.checkpoints import MODELS

    parser.add_argument("--architecture", choices=list(MODELS), default="JointModel")
    parser.add_argument(
        "--N", type=int, default=192, help="channels of hidden layers and of z (default: %(default)s)"
    )
    parser.add_argument("--M", type=int, default=192, help="channels of y (default: %(default)s)")
    parser.add_argument(
        "--padding",
        choices=("same", "valid"),
        default="valid",
        help="default: %(default)s, as in the original implementation",
    )
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=(765, 765),
        metavar=("H", "W"),
        help="of the image (default: 765 765)",
    )

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.layer_table import layer_table

        model = MODELS[arguments.architecture](arguments.N, arguments.M, arguments.padding)
        height, width = arguments.size
        print(layer_table(model, height, width))

    parser.set_defaults(command=run)


def _download_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        help="photos: kodak (for measuring), imagenette (for training); weights: mbt2018-mse-4 and others",
    )
    parser.add_argument("--folder", help="where photos go (default: data/NAME in the course's folder)")

    def run(arguments: argparse.Namespace) -> None:
        print(_download(arguments.name, arguments.folder))

    parser.set_defaults(command=run)


def _download(name: str, folder: str | None) -> str:
    """Fetch photos or weights by name; returns what to print."""
    if name in PHOTO_SETS:
        from jahp_lib.photos.downloads import download

        return f"The photos are in {download(name, folder)}."
    from jahp_lib.checkpoints import download_weights, published

    if name not in published():
        raise ValueError(
            f"There is nothing called {name!r} to fetch. Photos: {', '.join(PHOTO_SETS)}; weights that "
            "CompressAI publishes: bmshj2018-factorized, bmshj2018-hyperprior, mbt2018-mean or mbt2018, then "
            "-mse or -ms-ssim, "
            "then a quality from -1 to -8."
        )
    if folder is not None:
        raise ValueError(
            "--folder is for photos: weights go to the cache, where jahp.load finds them by name."
        )
    return f"The weights are in {download_weights(name)}; use them with --model {name}."


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "compress": ("compress a photo to a .jahp file", _compress_options),
    "decompress": ("turn a .jahp file back into a picture", _decompress_options),
    "info": ("say what is in a .jahp file", _info_options),
    "demo": ("a photo through the codec: original beside reconstruction as a PNG", _demo_options),
    "train": ("train a model; the same command goes on where it was stopped", _train_options),
    "recipe": ("train weights for the course, by a recipe that can be run again", _recipe_options),
    "evaluate": (
        "rate and distortion of real files, of one model or several, beside other codecs",
        _evaluate_options,
    ),
    "table": ("a model's layers, shapes and parameters", _table_options),
    "download": ("fetch photos (kodak, imagenette) or published weights by name", _download_options),
}


if __name__ == "__main__":
    sys.exit(main())
