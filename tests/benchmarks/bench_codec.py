"""Speed, size and memory of the codec, as ratios in one run; beside CompressAI's mbt2018 where that is
installed.

    python tests/benchmarks/bench_codec.py                     speed and size, N = M = 192, 768x512 pixels
    python tests/benchmarks/bench_codec.py --photo a.png       the same with a photo of your own
    python tests/benchmarks/bench_codec.py --rate small a.png  rates of trained weights on photos
    python tests/benchmarks/bench_codec.py --sizes             time and memory from 0.1 to 24 megapixels

Weights are random, the same in both codecs, and spread so that rate and scales are about those of a trained
model: an untrained model has all scales at their bound, which would flatter both coders.
"""

from __future__ import annotations

import argparse
import copy
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import jahp_lib as jahp
from jahp_lib.codec import codec as codec_module
from jahp_lib.codec import tables
from jahp_lib.hyperprior import bound_scales, gaussian_bits
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.photos.one_photo import open_photo, to_float, to_tensor

MEGAPIXELS = (0.1, 0.4, 1.6, 6, 24)
clock = time.perf_counter  # with --processor-time: what the processor spent on this process


class CountingEncoder(tables.SymbolEncoder):
    """Adds up what each symbol ideally costs: -log2 of its frequency, and the plain bits of escapes."""

    total = 0.0

    def encode(self, family, which, symbols):
        for index in np.unique(which):
            table, chosen = family[int(index)], symbols[which == index]
            far = np.abs(chosen) > table.reach
            indices = np.where(far, -1, chosen + table.reach)
            CountingEncoder.total += float(
                (tables.PRECISION - np.log2(table.frequencies[indices])).sum() + 16 * far.sum()
            )
        super().encode(family, which, symbols)


class Stopwatch:
    """Seconds spent in functions of the codec that it has replaced by timed ones."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def watch(self, owner: object, name: str, label: str) -> None:
        original: Callable = getattr(owner, name)

        def timed(*arguments, **keywords):
            start = clock()
            try:
                return original(*arguments, **keywords)
            finally:
                self.seconds[label] = self.seconds.get(label, 0.0) + clock() - start

        setattr(owner, name, timed)

    def take(self) -> dict[str, float]:
        taken, self.seconds = self.seconds, {}
        return taken


def lively_model(N: int = 192, M: int = 192) -> jahp.JointModel:
    """Random weights with latents of some units and scales up to some 15, more than half of them at the
    bound."""
    torch.manual_seed(0)
    model = jahp.JointModel(N, M).eval()
    with torch.no_grad():
        x = to_float(dead_leaves(1, 256, np.random.default_rng(0)))
        y = model.g_a(x)
        spread = torch.logspace(-2.5, 0.6, M)[torch.randperm(M)]
        factor = spread / y.std((0, 2, 3)).clamp(min=1e-6)
        model.g_a[6].weight.mul_(factor[:, None, None, None])
        model.g_a[6].bias.mul_(factor)
        last = model.entropy_parameters[4]
        last.weight[:M].mul_(0.1)
        last.weight[M:].mul_(0.1 * spread[:, None, None, None])
        last.bias[M:].copy_(1.5 * spread)
    model.prior.update_medians()
    return model


def to_compressai(model: jahp.JointModel):
    """CompressAI's mbt2018 with the same weights; the inverse of ``jahp.from_compressai``."""
    from compressai.models import JointAutoregressiveHierarchicalPriors

    theirs, M = JointAutoregressiveHierarchicalPriors(model.N, model.M), model.M
    state, ours = theirs.state_dict(), model.state_dict()
    for name, tensor in ours.items():
        if name == "prior.medians":
            continue
        if name.startswith("prior."):
            state[name.replace("prior.", "entropy_bottleneck.")] = tensor
        elif name == "h_s.4.weight":
            state[name] = tensor.flip(2, 3).transpose(0, 1)
        elif name.startswith("entropy_parameters.4."):
            state[name] = torch.cat((tensor[M:], tensor[:M]))
        else:
            state[name.replace("_root", "") if "_root" in name else name] = tensor
    theirs.load_state_dict(state)
    with torch.no_grad():
        theirs.entropy_bottleneck.quantiles[:, 0, 1] = model.prior.medians
    theirs.update(force=True)
    return theirs.eval()


def best(function: Callable[[], object], times: int) -> float:
    """Shortest of several runs, in seconds: what others do on the machine only ever adds."""
    seconds = []
    for _ in range(times):
        start = clock()
        function()
        seconds.append(clock() - start)
    return min(seconds)


def speed(photo: Image.Image, repeats: int, device: str) -> None:
    """Encoding and decoding with N = M = 192, split into transform, networks and coder, beside CompressAI."""
    model = lively_model()
    start = clock()
    codec = jahp.Codec(model.to(device))
    prepared = clock() - start
    print(
        f"N = M = 192, {photo.width}x{photo.height}, {torch.get_num_threads()} threads, {device}; prepared "
        f"in {prepared:.2f} s"
    )
    blob = codec.compress(photo)
    codec.decompress(blob)
    encode, decode = (
        best(lambda: codec.compress(photo), repeats),
        best(lambda: codec.decompress(blob), repeats),
    )

    watch = Stopwatch()
    for name in ("analyse", "synthesise"):
        watch.watch(codec, name, "transform")
    watch.watch(codec_module.SymbolEncoder, "encode", "coder")
    watch.watch(codec_module.SymbolDecoder, "decode", "coder")
    print(f"{'':10}{'total':>8}{'transform':>11}{'networks':>10}{'coder':>8}   seconds")
    for name, run, total in (
        ("encode", lambda: codec.compress(photo), encode),
        ("decode", lambda: codec.decompress(blob), decode),
    ):
        watch.take()
        start = clock()
        run()
        whole, parts = clock() - start, watch.take()
        networks = whole - parts["transform"] - parts["coder"]
        print(f"{name:10}{total:8.2f}{parts['transform']:11.2f}{networks:10.2f}{parts['coder']:8.2f}")
    print(f"{len(blob):,} bytes, {8 * len(blob) / photo.width / photo.height:.3f} bit/pixel")

    try:
        theirs = to_compressai(model.cpu()).to(device)
    except ImportError:
        print("CompressAI is not installed (make peers): no comparison.")
        return
    x = to_float(to_tensor(photo))[None].to(device)
    x = torch.nn.functional.pad(x, (0, -photo.width % 64, 0, -photo.height % 64))
    with torch.no_grad():
        start = clock()
        packed = theirs.compress(x)
        their_encode = clock() - start
        start = clock()
        theirs.decompress(packed["strings"], packed["shape"])
        their_decode = clock() - start
    their_bytes = sum(len(strings[0]) for strings in packed["strings"])
    print(f"CompressAI: encode {their_encode:.2f} s, {their_encode / encode:.1f} times ours;", end=" ")
    print(f"decode {their_decode:.2f} s, {their_decode / decode:.1f} times ours; {their_bytes:,} bytes")


def rate(name: str, photos: list[str]) -> None:
    """File size against -log2 p of the tables (the coder's overhead) and of float64 networks (what fixed
    point costs)."""
    model = jahp.load(name)
    codec = jahp.Codec(model)
    codec_module.SymbolEncoder = CountingEncoder
    variable = model.serves_every_lmbda
    double = copy.deepcopy(model.base).double()
    print(
        f"{'photo':24}{'lmbda':>8}{'bytes':>9}{'bit/pixel':>10}"
        f"{'over -log2 p + 24':>19}{'fixed point costs':>19}"
    )
    overheads, costs = [], []
    for path in photos:
        photo = open_photo(path)
        for lmbda in (0.0018, 0.013, 0.18) if variable else (None,):
            CountingEncoder.total = 0.0
            encoding = codec.encode(photo, lmbda)
            ideal = CountingEncoder.total
            overheads.append(8 * len(encoding.blob) / (ideal + 8 * 24) - 1)
            y = codec.analyse(to_tensor(photo), encoding.header.lmbda)[None].double()
            with torch.inference_mode():
                psi = double.hyper_synthesise(encoding.z_hat[None], *y.shape[-2:])
                # the same context for both: a network of its own would round some symbol otherwise and go
                # another way
                means, raw = double.entropy_parameters.means_and_scales(
                    psi, double.context_prediction(encoding.y_hat[None])
                )
                in_float = float(
                    gaussian_bits(torch.round(y - means) + means, means, bound_scales(raw)).sum()
                )
            CountingEncoder.total = 0.0
            schedule = codec.entropy_model.schedule(*y.shape[-2:])
            with torch.inference_mode():
                predictor = codec.entropy_model.y_predictor(encoding.z_hat, schedule)
                codec._write(CountingEncoder(), y[0], schedule, predictor, codec.entropy_model.y_tables)
            costs.append(CountingEncoder.total / in_float - 1)
            bpp = 8 * len(encoding.blob) / photo.width / photo.height
            print(
                f"{Path(path).name:24}{lmbda or 0:8.4f}{len(encoding.blob):9,}{bpp:10.3f}"
                f"{overheads[-1]:19.3%}{costs[-1]:19.3%}"
            )
    print(
        f"largest {max(overheads):.3%} and {max(costs):.3%}, mean {np.mean(overheads):.3%} and "
        f"{np.mean(costs):.3%}"
    )


def one_size(megapixels: float) -> None:
    """Both directions for one picture of some megapixels, in a process of its own, for its peak memory."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    width = round(height * 1.5)
    patch = dead_leaves(1, 512, np.random.default_rng(0))[0].permute(1, 2, 0).numpy()
    picture = np.tile(patch, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    codec = jahp.Codec(lively_model())
    start = clock()
    blob = codec.compress(picture)
    middle = clock()
    compressing = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    codec.decompress(blob)
    end = clock()
    both = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    actual = height * width / 1e6
    print(
        f"{actual:10.2f}{middle - start:10.1f}{end - middle:10.1f}{(middle - start) / actual:12.2f}"
        f"{(end - middle) / actual:12.2f}"
        f"{compressing / 2**20:12.2f}{both / 2**20:12.2f}",
        flush=True,
    )


def sizes(megapixels: list[float]) -> None:
    print(
        f"{'megapixels':>10}{'encode s':>10}{'decode s':>10}{'s per MP':>12}{'s per MP':>12}"
        f"{'GiB encode':>12}{'GiB both':>12}",
        flush=True,
    )
    for size in megapixels:
        subprocess.run(
            [sys.executable, *sys.argv[: sys.argv.index("--sizes")], "--one-size", str(size)], check=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photo", help="a photo instead of a dead-leaves picture")
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of which the shortest counts (default: %(default)s)"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--rate", nargs="+", metavar="MODEL_OR_PHOTO", help="weights, then photos: rates instead of speed"
    )
    parser.add_argument(
        "--sizes",
        nargs="*",
        type=float,
        metavar="MEGAPIXELS",
        help="time and memory for sizes (default: 0.1 to 24)",
    )
    parser.add_argument("--one-size", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, help="default: PyTorch's")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count processor seconds (with --threads 1), not those on the wall",
    )
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.processor_time:
        global clock
        clock = time.process_time
    if arguments.one_size:
        one_size(arguments.one_size)
    elif arguments.sizes is not None:
        sizes(arguments.sizes or list(MEGAPIXELS))
    elif arguments.rate:
        rate(arguments.rate[0], arguments.rate[1:])
    else:
        leaves = dead_leaves(1, 768, np.random.default_rng(0))[0, :, :512].permute(1, 2, 0).numpy()
        speed(
            open_photo(arguments.photo) if arguments.photo else Image.fromarray(leaves),
            arguments.repeats,
            arguments.device,
        )


if __name__ == "__main__":
    main()
