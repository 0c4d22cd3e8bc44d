"""Lesson 12. ``jahp train``: the settings as options, and where photos come from and results go.

jahp train PHOTOS --run runs/mine
torchrun --nproc-per-node 2 -m jahp_lib.training PHOTOS --parts 2 --run-folder runs/mine
"""

from __future__ import annotations

import argparse
import math
from dataclasses import fields
from pathlib import Path

import torch

from jahp_lib.checkpoints import MODELS, load
from jahp_lib.photos.one_photo import open_photo, sample_photos, to_float, to_tensor
from jahp_lib.training.extras.devices import check_compiler, check_memory, usable_device
from jahp_lib.training.extras.distributed import Processes, joined, own_device
from jahp_lib.training.extras.fast_layers import keep_memory
from jahp_lib.training.extras.lock import locked
from jahp_lib.training.extras.tensorboard import TensorBoard
from jahp_lib.training.loop import Callback, Trainer
from jahp_lib.training.run_folder import STATE, run
from jahp_lib.training.settings import OPTIMIZERS, Settings
from jahp_lib.training.sources import Sources

MEANINGS = {
    "architecture": f"which model of the ladder: {', '.join(MODELS)}",
    "N": "channels inside the transforms",
    "M": "channels of the latent y",
    "lmbda": "weight of distortion (published: 0.0018 to 0.18); where a multiplier starts",
    "lmbda_max": "with it, one model for every λ between --lmbda and this",
    "epochs": "a snapshot and the weights are written after each",
    "steps_per_epoch": "steps of the optimiser from one epoch to the next",
    "batch": "images a step, over all parts and processes",
    "parts": "pieces of a batch, one after the other or shared by the processes of torchrun",
    "patch": "side of the square patches, in pixels",
    "learning_rate": "highest learning rate",
    "warmup_steps": "steps in which the learning rate rises",
    "final_learning_rate": "where half a cosine leads it at the last step",
    "clip": "greatest length of a gradient",
    "seed": "of weights, patches and noise",
    "bfloat16": "compute in 16 bits where that is safe; for a GPU, or a processor that has it",
    "mixed_quantization": "train the synthesis on rounded latents, bits on noisy ones",
    "linear_start": "start from the best linear block transform of the photos, not at random",
    "entropy_model_only": "leave transforms and gains as they are; for weights given by --start",
    "multiplier": "who chooses λ: constant, only-grows, or with a target log-ascent or modified-differential",
    "target_bpp": "rate to reach, in bit/pixel",
    "target_psnr": "quality to reach, in dB",
    "optimizer": f"{' or '.join(OPTIMIZERS)}; soap needs fewer steps, and the package pytorch-optimizer",
    "minutes": "train for so many minutes, whatever --epochs says; the learning rate follows the clock",
    "ema": "share of the past in a moving average of the weights, 0.999 say; the average is what is written",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``jahp train``: one for each field of ``Settings``, and where photos come from and
    results go.
    """
    add_places(parser, "runs/train")
    parser.add_argument(
        "--weights",
        choices=("equal", "bytes"),
        default="bytes",
        help="how often each photo is drawn (%(default)s)",
    )
    parser.add_argument(
        "--dead-leaves", type=float, default=0.0, metavar="SHARE", help="share of dead-leaves patches, 0 to 1"
    )
    parser.add_argument(
        "--start",
        "--start-from",
        help="weights to start from: a file, or a name such as small (torchrun: --start-from)",
    )
    parser.add_argument("--compile", action="store_true", help="run the model through torch.compile")
    parser.add_argument(
        "--snapshots",
        choices=("epochs", "log"),
        default="epochs",
        help="when to keep what the model makes of --photo: after each epoch, or evenly in log time "
        "(%(default)s)",
    )
    parser.add_argument(
        "--tensorboard", action="store_true", help="write the run's curves for TensorBoard too"
    )
    types = {"int": int, "float": float, "str": str, "float | None": float}
    for field in fields(Settings):
        option = "--" + field.name.replace("_", "-")
        if field.type == "bool":
            parser.add_argument(option, action="store_true", help=MEANINGS[field.name])
        else:
            usual = "" if field.default is None else " (%(default)s)"
            parser.add_argument(
                option,
                type=types[str(field.type)],
                default=field.default,
                help=MEANINGS[field.name] + usual,
            )


def add_places(parser: argparse.ArgumentParser, run_folder: str | None) -> None:
    """The options that recipes have too: photos, results, and what to compute on."""
    parser.add_argument("photos", nargs="?", help="folder of photos; without it, the four sample photos")
    # the long name is for torchrun, whose own parser calls --run ambiguous (it has --run-path)
    parser.add_argument(
        "--run",
        "--run-folder",
        default=run_folder,
        help=f"folder of results; the same command goes on where it stopped ({run_folder or 'runs/RECIPE'}); "
        "under torchrun write --run-folder",
    )
    parser.add_argument("--photo", help="the photo of the snapshots; without it, the sample photo chelsea")
    parser.add_argument(
        "--validation",
        metavar="FOLDER|SHARE",
        help="photos kept aside, to keep the best epoch's weights too: a folder, or a share of the photos, "
        "0.05 say",
    )
    parser.add_argument(
        "--device",
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="where to compute (%(default)s here)",
    )
    parser.add_argument("--threads", type=int, help="processor threads of each process")


def main(argv: list[str] | None = None, arguments: argparse.Namespace | None = None) -> None:
    """Train from the command line, alone or as one process of ``torchrun``."""
    if arguments is None:
        parser = argparse.ArgumentParser(
            "jahp train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        add_arguments(parser)
        arguments = parser.parse_args(argv)
    settings = Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)})
    sources = Sources(arguments.photos, arguments.weights, arguments.dead_leaves, arguments.validation)
    train(settings, sources, arguments, arguments.run, arguments.start, arguments.snapshots)


def train(
    settings: Settings,
    sources: Sources,
    arguments: argparse.Namespace,
    folder: str | Path,
    start: str | None = None,
    snapshots: str = "epochs",
) -> Trainer:
    """Train, or go on with what ``folder`` holds; ``arguments`` say on what to compute, and which photo to
    show.
    """
    if arguments.threads is not None:
        if arguments.threads < 1:
            raise ValueError(f"--threads must be at least 1, not {arguments.threads}.")
        torch.set_num_threads(arguments.threads)
    device = usable_device(own_device(arguments.device))
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True
    compiled = getattr(arguments, "compile", False)
    with joined(device):
        first = Processes().first
        memory = check_memory(settings, device)
        if first:
            print(memory)
        if compiled:
            check_compiler(device)
        if first and Path(folder).is_dir():
            with locked(Path(folder)):  # better said before photos are read
                pass
        callbacks: list[Callback] = []
        if getattr(arguments, "tensorboard", False) and first:
            callbacks.append(TensorBoard(Path(folder) / "tensorboard"))
        if device.type == "cpu":
            keep_memory()
        trainer = Trainer(
            settings,
            sources.patches(settings.patch, device, progress=first),
            device,
            load(start) if start else None,
            compiled,
            goes_on=(Path(folder) / STATE).exists(),
            source=sources.in_words(start),
            validation=sources.kept_aside(settings),
            callbacks=callbacks,
            fast=device.type == "cpu" and not compiled and not settings.bfloat16,
        )
        photo = open_photo(arguments.photo) if arguments.photo else sample_photos()["chelsea"]
        shown = None if settings.lmbda_max is None else math.sqrt(settings.lmbda * settings.lmbda_max)
        run(trainer, folder, to_float(to_tensor(photo))[None], shown, snapshots=snapshots)
    return trainer
