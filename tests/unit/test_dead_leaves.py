"""Dead leaves: every pixel covered, the statistics of natural images, repeatable."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from jahp_lib.photos.dead_leaves import dead_leaves


def test_dead_leaves_are_the_same_for_the_same_random_state() -> None:
    """Breaks if another random source is used: training could not be repeated."""
    first, again, other = (dead_leaves(2, 24, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.dtype, first.shape) == (torch.uint8, (2, 3, 24, 24))
    assert first.is_contiguous()
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("size", [1, 2, 5, 48])
def test_every_pixel_is_covered_by_a_leaf(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if drawing stops too early: what is left would be whatever lay in memory, shown here by filling
    it in two ways.
    """
    results = []
    for fill in (0, 255):
        with monkeypatch.context() as patched:
            patched.setattr(np, "empty", lambda shape, dtype=float, fill=fill: np.full(shape, fill, dtype))
            results.append(dead_leaves(3, size, np.random.default_rng(4)))
    assert torch.equal(*results)


def test_dead_leaves_have_the_power_spectrum_of_natural_images() -> None:
    """Power falls as frequency to the minus 2, within 0.5, as in photos; breaks if all leaves have one size,
    or colours are noise.
    """
    pictures = dead_leaves(12, 128, np.random.default_rng(0)).double().mean(1)
    window = torch.hann_window(128, periodic=False, dtype=torch.float64)
    windowed = (pictures - pictures.mean((1, 2), keepdim=True)) * window[:, None] * window
    power = torch.fft.fft2(windowed).abs().square().mean(0).numpy()
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    edges = np.geomspace(3 / 128, 0.25, 9)
    middles, means = [], []
    for low, high in itertools.pairwise(edges):
        ring = (frequencies >= low) & (frequencies < high)
        middles.append(np.log(frequencies[ring]).mean())
        means.append(np.log(power[ring]).mean())
    slope = np.polyfit(middles, means, 1)[0]
    assert -2.5 < slope < -1.5


def test_large_leaves_lie_beside_small_ones() -> None:
    """Breaks if radii do not follow a power law: with the smallest radius raised, small
    detail must vanish.
    """

    def roughness(smallest: float) -> float:
        pictures = dead_leaves(8, 64, np.random.default_rng(0), smallest=smallest).double()
        return (pictures.diff(dim=-1).abs() > 12).double().mean().item()

    assert roughness(1.5) > 1.5 * roughness(12.0) > 0


@pytest.mark.parametrize("arguments", [(0, 8), (1, 0), (1, 8, 0.0), (1, 8, 5.0, 4.0), (1, 8, 5.0, 5.0)])
def test_dead_leaves_that_cannot_be_drawn_are_refused(arguments: tuple) -> None:
    """Breaks if drawing would never end."""
    count, size, *radii = arguments
    with pytest.raises(ValueError, match="dead_leaves needs count and size"):
        dead_leaves(count, size, np.random.default_rng(0), *radii)
