"""What refinement buys: BD-rate of effort N against effort 0, from real files, and the seconds it takes.

    python tests/benchmarks/bench_refinement.py PHOTOS --steps 200 [--crop 256 384] [--limit 6] [--lmbda ...]

One row a photo and λ is printed as it is measured, so that a run that was stopped has told what it knew.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import jahp_lib as jahp
from jahp_lib.comparison import listed_photos
from jahp_lib.evaluation import bd_rate, picture_psnr
from jahp_lib.photos import open_photo


def middle(image: Image.Image, height: int, width: int) -> Image.Image:
    """The part of a photo around its middle."""
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("photos")
    parser.add_argument("--model", default="small")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--lmbda", type=float, nargs="+", default=(0.0035, 0.0093, 0.025, 0.0483))
    parser.add_argument("--crop", type=int, nargs=2, metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--only", nargs="+", help="names of photos, without their endings")
    parser.add_argument("--limit", type=int)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    codec = jahp.Codec(jahp.load(arguments.model))
    photos = {file.name: open_photo(file) for file in listed_photos(Path(arguments.photos), arguments.limit)}
    if arguments.only:
        photos = {name: image for name, image in photos.items() if name.split(".")[0] in arguments.only}
    if arguments.crop:
        photos = {name: middle(image, *arguments.crop) for name, image in photos.items()}
    print("photo lmbda | bit/pixel, dB without | with | R + λD in percent of R | seconds", flush=True)
    rows: dict[str, list[tuple[float, ...]]] = {}
    for name, image in photos.items():
        for lmbda in arguments.lmbda:
            row: list[float] = []
            for effort in (0, arguments.steps):
                started = time.perf_counter()
                encoding = codec.encode(image, lmbda, effort=effort)
                seconds = time.perf_counter() - started
                quality = picture_psnr(image, codec.synthesise(encoding))
                row += [8 * len(encoding.blob) / (image.width * image.height), quality]
            rows.setdefault(name, []).append(tuple(row))
            losses = [rate + lmbda * 255**2 * 10 ** (-psnr / 10) for rate, psnr in (row[:2], row[2:])]
            print(
                f"{name} {lmbda:g} | {row[0]:.4f} {row[1]:.3f} | {row[2]:.4f} {row[3]:.3f} | "
                f"{100 * (losses[1] - losses[0]) / row[0]:+.2f} % | {seconds:.0f}",
                flush=True,
            )
        if len(arguments.lmbda) >= 4:
            averages = np.mean(list(rows.values()), axis=0)  # [λ, 4]
            without, refined = (averages[:, :2].T, averages[:, 2:].T)
            print(
                f"BD-rate over {len(rows)} photos: {bd_rate(tuple(without), tuple(refined)):+.2f} %",
                flush=True,
            )


if __name__ == "__main__":
    main()
