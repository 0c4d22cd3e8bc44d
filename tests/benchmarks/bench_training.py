"""Training speed in images a second, and as a ratio, beside CompressAI's mbt2018 where that is installed.

    python tests/benchmarks/bench_training.py      a small model, small patches: for processors
    python tests/benchmarks/bench_training.py --device cuda --N 192 --M 192 --batch 16 --patch 256 --bfloat16

Both train on the same patches, held by the device, with channels_last, Adam, and gradients clipped. They take
turns, so that what else the machine does falls on both alike, and each one's quickest turn counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from jahp_lib.photos.one_photo import to_float
from jahp_lib.photos.patches import Source, sample_set
from jahp_lib.training import Settings, Trainer


def our_turns(settings: Settings, patches: Source, device: str, compiled: bool) -> Iterator[float]:
    """Images a second of one epoch after the other."""
    for record in Trainer(settings, patches, device, compiled=compiled).epochs(progress=False):
        yield record.images_per_second


def their_turns(settings: Settings, patches: Source, device: str, compiled: bool) -> Iterator[float]:
    """The same for CompressAI, in the way of its own example: a second optimiser for the medians of z."""
    from compressai.models import JointAutoregressiveHierarchicalPriors

    model = (
        JointAutoregressiveHierarchicalPriors(settings.N, settings.M)
        .to(device, memory_format=torch.channels_last)
        .train()
    )
    medians = [parameter for name, parameter in model.named_parameters() if name.endswith("quantiles")]
    weights = [parameter for name, parameter in model.named_parameters() if not name.endswith("quantiles")]
    fused = device.startswith("cuda")
    optimizer = torch.optim.Adam(weights, lr=settings.learning_rate, fused=fused)
    optimizer_of_medians = torch.optim.Adam(medians, lr=1e-3, fused=fused)
    forward = torch.compile(model) if compiled else model

    def step(x: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        optimizer_of_medians.zero_grad(set_to_none=True)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=settings.bfloat16):
            out = forward(x)
        pixels = x.shape[0] * x.shape[2] * x.shape[3]
        bpp = sum(-likelihoods.float().log2().sum() for likelihoods in out["likelihoods"].values()) / pixels
        loss = bpp + settings.lmbda * 255**2 * nn.functional.mse_loss(out["x_hat"].float(), x)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, settings.clip)
        optimizer.step()
        model.aux_loss().backward()
        optimizer_of_medians.step()
        loss.item()  # waits for the device, as our loop does

    for epoch in range(settings.epochs):
        started = time.perf_counter()
        for number in range(settings.steps_per_epoch):
            rng, _ = settings.randomness(
                epoch * settings.steps_per_epoch + number, 0
            )  # the patches that ours sees in this step
            step(to_float(patches(settings.batch, rng)).contiguous(memory_format=torch.channels_last))
        yield settings.steps_per_epoch * settings.batch / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu")
    for name, default in (("N", 32), ("M", 64), ("batch", 8), ("patch", 128), ("steps", 5), ("turns", 3)):
        parser.add_argument(f"--{name}", type=int, default=default, help="(%(default)s)")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--compile", action="store_true", help="both through torch.compile")
    arguments = parser.parse_args()
    settings = Settings(
        N=arguments.N,
        M=arguments.M,
        epochs=arguments.turns + 1,  # the first one warms up
        steps_per_epoch=arguments.steps,
        batch=arguments.batch,
        patch=arguments.patch,
        bfloat16=arguments.bfloat16,
    )
    patches = sample_set(settings.patch).to(arguments.device).batch
    turns: dict[str, Callable[..., Iterator[float]]] = {"ours": our_turns, "CompressAI": their_turns}
    try:
        import compressai  # noqa: F401
    except ImportError:
        print("CompressAI is not installed (make peers): no comparison.")
        del turns["CompressAI"]
    running = {
        name: turn(settings, patches, arguments.device, arguments.compile) for name, turn in turns.items()
    }
    speeds: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(settings.epochs):
        for name, iterator in running.items():
            speeds[name].append(next(iterator))
    best = {name: max(values[1:]) for name, values in speeds.items()}
    print(
        f"training, N = {settings.N}, M = {settings.M}, batches of {settings.batch} patches of "
        f"{settings.patch}x{settings.patch}, "
        f"{'bfloat16' if settings.bfloat16 else 'float32'}, {arguments.device}, {torch.get_num_threads()} "
        "threads"
    )
    for name, speed in best.items():
        print(f"{name:12}{speed:10.1f} images/s")
    if "CompressAI" in best:
        print(f"ratio {best['ours'] / best['CompressAI']:.2f}")


if __name__ == "__main__":
    main()
