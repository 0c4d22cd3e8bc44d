"""Maps over photos, and the panel of a snapshot."""

from __future__ import annotations

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from jahp_lib.checkpoints import MODELS
from jahp_lib.course import figures
from jahp_lib.snapshots import take_snapshot

SIZES = [(33, 64), (64, 33), (1, 1), (100, 240), (253, 317)]


def drawn(picture: np.ndarray, values: np.ndarray) -> plt.Axes:
    figure, ax = plt.subplots()
    figures.over_photo(ax, picture, values, "bits", "")
    plt.close(figure)
    return ax


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_position_of_a_map_lies_over_its_16x16_pixels(height: int, width: int) -> None:
    """Breaks if a position's size is guessed from the photo's, which is no multiple of 16."""
    rows, columns = -(-height // 16), -(-width // 16)
    ax = drawn(np.zeros((height, width, 3), np.uint8), np.zeros((rows, columns)))
    left, right, bottom, top = ax.images[1].get_extent()
    assert (left, top) == (-0.5, -0.5)
    assert ((right - left) / columns, (bottom - top) / rows) == (16, 16)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, width - 0.5), (height - 0.5, -0.5))


def test_a_map_of_a_model_without_padding_lies_in_the_middle_of_its_photo() -> None:
    """Breaks if all of the margin that the convolutions leave is on one side."""
    left, right, bottom, top = (
        drawn(np.zeros((253, 317, 3), np.uint8), np.zeros((13, 17))).images[1].get_extent()
    )
    assert (left + right, bottom + top) == (316, 252)


def test_the_photo_below_a_map_has_its_own_brightness() -> None:
    """Breaks if a nearly black photo is taken for one whose values end at 1."""
    dark = np.ones((16, 16, 3), np.uint8)
    for picture in (
        dark,
        Image.fromarray(dark),
        dark / np.float32(255),
        torch.from_numpy(dark).permute(2, 0, 1)[None] / 255,
    ):
        photo = drawn(picture, np.zeros((1, 1))).images[0]
        assert photo.norm(photo.get_array()).max() == pytest.approx(1 / 255)


@pytest.mark.parametrize("architecture", MODELS)
def test_every_model_s_snapshot_can_be_drawn(architecture: str, lively) -> None:
    """Breaks if a model without means and scales, or with fewer channels than a snapshot keeps, stops the
    panel.
    """
    x = torch.rand(1, 3, 50, 70)
    shot = take_snapshot(lively(architecture, 2, 3), x, 0.01, 0, 0)
    figure = figures.snapshot_panel(shot, x, strongest=2)
    figure.savefig(io.BytesIO())
    plt.close(figure)
    titles = [ax.get_title() for ax in figure.axes]
    assert (
        ("σ, mean of the 3 strongest" in titles)
        == ("its predicted means μ" in titles)
        == (architecture != "FactorizedModel")
    )
    assert sum(bool(ax.images) for ax in figure.axes[:8]) == (5 if architecture == "FactorizedModel" else 8)
