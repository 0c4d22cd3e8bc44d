"""The command line: ``jahp compress photo.png photo.jahp --lmbda 0.013`` and its companions.

A mistake in what was asked for ends in one sentence and exit code 2, never in a traceback.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from pathlib import Path

import torch

import jahp_lib
from jahp_lib import training
from jahp_lib.checkpoints import MODELS
from jahp_lib.photos.downloads import download


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for what the user can mend, 130 when stopped by Ctrl-C."""
    parser = argparse.ArgumentParser("jahp", description="Learned image compression, step by step.")
    parser.add_argument("--version", action="version", version=f"jahp {jahp_lib.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_compress,
        _add_decompress,
        _add_info,
        _add_demo,
        _add_train,
        _add_recipe,
        _add_evaluate,
        _add_table,
        _add_download,
    ):
        add(commands)
    arguments = parser.parse_args(argv)
    try:
        arguments.command(arguments)
    except KeyboardInterrupt:
        print("jahp: stopped.", file=sys.stderr)
        return 130
    except (ValueError, OSError, training.TrainingError) as error:
        print(f"jahp: {explain(error)}", file=sys.stderr)
        return 2
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, (torch.OutOfMemoryError, MemoryError)) and "allocate memory" not in str(
            error
        ):
            raise
        print(
            "jahp: There is not enough memory: take a smaller batch, patch or picture, or a smaller N and M.",
            file=sys.stderr,
        )
        return 2
    return 0


def explain(error: Exception) -> str:
    """One sentence, or a few, for an error: what was wrong and what to do."""
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    where = f" {error.filename}" if error.filename else ""
    advice = {
        errno.ENOSPC: "The disk is full: free some space and try again. Nothing half-written was left behind.",
        errno.EFBIG: "The file grew past the size allowed here. Nothing half-written was left behind.",
        errno.EACCES: "You may not write or read there: choose another place.",
        errno.EROFS: "That disk is read-only: choose another place.",
        errno.ENOENT: "There is no such file or folder: check the name.",
        errno.EISDIR: "That is a folder, and a file is needed: check the name.",
        errno.ENOTDIR: "A file stands where a folder is needed: check the name.",
    }.get(error.errno, "")
    return f"{error.strerror}{where}. {advice}".strip()


def _add_compress(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("compress", help="compress a photo to a .jahp file")
    parser.add_argument("source", help="PNG, JPEG, WebP or TIFF")
    parser.add_argument("target", nargs="?", help="the file to write (default: the photo's name with .jahp)")
    parser.add_argument(
        "--lmbda",
        type=float,
        help="from 0.0018 (small) to 0.18 (fine); default 0.013 where the weights leave a choice",
    )
    _add_force(parser)
    _add_model(parser)

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.codec.files import compress_file

        target = _target(arguments, ".jahp")
        print(compress_file(arguments.source, target, _model(arguments), arguments.lmbda, progress=True))

    parser.set_defaults(command=run)


def _add_decompress(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("decompress", help="turn a .jahp file back into a picture")
    parser.add_argument("source", help="a .jahp file")
    parser.add_argument(
        "target", nargs="?", help="the picture to write (default: the file's name with .decoded.png)"
    )
    _add_force(parser)
    _add_model(parser)

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.codec.files import decompress_file

        target = _target(arguments, ".decoded.png")
        print(decompress_file(arguments.source, target, _model(arguments), progress=True))

    parser.set_defaults(command=run)


def _add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="write over a target that exists")


def _target(arguments: argparse.Namespace, ending: str) -> Path:
    """The file to write: the one named, or the source's name with this ending. One that exists is left alone without ``--force``."""
    target = Path(arguments.target or Path(arguments.source).with_suffix(ending))
    if target.exists() and not arguments.force:
        raise ValueError(f"{target} exists already. Name another target, or write over it with --force.")
    return _writable(target)


def _writable(target: Path) -> Path:
    """A file to write, whose folder must exist: better said before the work than after it."""
    if not target.parent.is_dir():
        raise ValueError(f"There is no folder {target.parent} to write {target.name} into.")
    return target


def _add_info(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("info", help="say what is in a .jahp file")
    parser.add_argument("source", help="a .jahp file")

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.codec.files import describe, read_blob

        print(describe(read_blob(arguments.source)))

    parser.set_defaults(command=run)


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", default="small", help="weights: a file, or the name of shipped ones (default: %(default)s)"
    )
    parser.add_argument(
        "--device", default="cpu", help="cpu or cuda; files are the same (default: %(default)s)"
    )


def _model(arguments: argparse.Namespace) -> torch.nn.Module:
    device = training.usable_device(arguments.device)
    return jahp_lib.load(arguments.model).to(device)


def _add_demo(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "demo", help="a photo through the codec: original beside reconstruction as a PNG"
    )
    parser.add_argument("photo", nargs="?", help="default: a sample photo")
    parser.add_argument("--out", default="demo.png", help="the picture to write (default: %(default)s)")
    parser.add_argument(
        "--lmbda", type=float, default=0.025, help="from 0.0018 (small) to 0.18 (fine); default %(default)s"
    )
    _add_model(parser)

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.demo import demo

        if arguments.photo and Path(arguments.out).resolve() == Path(arguments.photo).resolve():
            raise ValueError(f"{arguments.out} is the photo itself. Name another picture with --out.")
        _writable(Path(arguments.out))
        print(demo(arguments.photo, arguments.out, arguments.lmbda, _model(arguments)))

    parser.set_defaults(command=run)


def _add_train(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("train", help="train a model; the same command goes on where it was stopped")
    training.add_arguments(parser)
    parser.set_defaults(command=lambda arguments: training.main(arguments=arguments))


def _add_recipe(commands: argparse._SubParsersAction) -> None:
    from jahp_lib.training import recipes

    parser = commands.add_parser("recipe", help="train as the course's own weights were trained")
    recipes.add_arguments(parser)
    parser.set_defaults(command=recipes.main)


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "evaluate", help="rate and distortion of real files, beside JPEG, JPEG 2000, WebP and AVIF"
    )
    parser.add_argument("folder", help="photos, in files of a format without loss")
    parser.add_argument(
        "--out",
        default="runs/evaluation",
        help="folder for measurements.csv, results.json, curves.png (%(default)s)",
    )
    parser.add_argument("--lmbda", type=float, nargs="+", help="default: eight from 0.0018 to 0.18")
    parser.add_argument("--without-others", action="store_true", help="measure this codec alone")
    parser.add_argument("--limit", type=int, help="only the first so many photos")
    _add_model(parser)

    def run(arguments: argparse.Namespace) -> None:
        from jahp_lib.evaluation import LMBDAS, evaluate_folder

        lmbdas = arguments.lmbda or LMBDAS
        name = f"JAHP {Path(arguments.model).stem}"
        print(
            evaluate_folder(
                arguments.folder,
                name,
                _model(arguments),
                lmbdas,
                arguments.out,
                not arguments.without_others,
                arguments.limit,
            )
        )

    parser.set_defaults(command=run)


def _add_table(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("table", help="a model's layers, shapes and parameters")
    parser.add_argument("--architecture", choices=list(MODELS), default="JointModel")
    parser.add_argument(
        "--N", type=int, default=192, help="channels of hidden layers and of z (default: %(default)s)"
    )
    parser.add_argument("--M", type=int, default=192, help="channels of y (default: %(default)s)")
    parser.add_argument(
        "--padding",
        choices=("same", "valid"),
        default="valid",
        help="default: %(default)s, as in the original",
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
        from torchinfo import summary

        model = MODELS[arguments.architecture](arguments.N, arguments.M, arguments.padding).eval()
        forward = model.forward
        model.forward = lambda x: forward(x).x_hat  # torchinfo wants a tensor from the whole
        columns = ("output_size", "kernel_size", "num_params")
        try:
            print(
                summary(
                    model,
                    input_size=(1, 3, *arguments.size),
                    col_names=columns,
                    depth=2,
                    device="cpu",
                    verbose=0,
                )
            )
        except RuntimeError as error:  # torchinfo's, around what the model says of a size that it cannot take
            raise error.__cause__ or error from None
        separate = sum(
            p.numel()
            for module in model.modules()
            for p in module.parameters(False)
            if type(module).__name__ in _NOT_COUNTED
        )
        total = sum(parameter.numel() for parameter in model.parameters())
        print(
            f"Without GDN and the factorized density, which the original's table leaves out: {total - separate:,} parameters."
        )

    parser.set_defaults(command=run)


_NOT_COUNTED = ("GDN", "ParameterList")


def _add_download(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "download", help="fetch photos: kodak (for measuring) or imagenette (for training)"
    )
    parser.add_argument("name", choices=("kodak", "imagenette"))
    parser.add_argument("--folder", help="where to (default: data/NAME in the course's folder)")
    parser.set_defaults(
        command=lambda arguments: print(
            f"The photos are in {os.path.relpath(download(arguments.name, arguments.folder))}."
        )
    )


if __name__ == "__main__":
    sys.exit(main())
