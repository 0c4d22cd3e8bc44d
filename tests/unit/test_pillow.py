"""Pillow opens and saves compressed pictures, once the plugin is imported."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError

import jahp_lib as jahp
from jahp_lib import pillow
from jahp_lib.transforms import LatentModel


@pytest.fixture
def codec(lively: Callable[..., LatentModel]) -> Iterator[jahp.Codec]:
    codec = jahp.Codec(jahp.VariableRate(lively("JointModel")).eval())
    pillow.register(codec)
    yield codec
    pillow.register()


@pytest.fixture
def photo() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (37, 52, 3), np.uint8))


def test_what_pillow_saves_and_opens_is_what_the_codec_writes_and_reads(
    codec: jahp.Codec, photo: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jahp"
    photo.save(path, lmbda=0.05, effort=2)
    assert path.read_bytes() == codec.compress(photo, 0.05, effort=2)
    with Image.open(path) as opened:
        assert (opened.format, opened.size, opened.mode) == ("JAHP", (52, 37), "RGB")
        assert opened.info["lmbda"] == pytest.approx(0.05, rel=1e-3)
        assert np.array_equal(np.asarray(opened), np.asarray(codec.decompress(path.read_bytes())))
        assert opened.convert("L").size == opened.copy().size == (52, 37)


def test_a_picture_is_saved_without_options_and_in_other_modes(
    codec: jahp.Codec, photo: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / "grey.jahp"
    photo.convert("L").save(path)
    with Image.open(path) as opened:
        opened.load()
        assert opened.mode == "RGB"
    assert path.read_bytes() == codec.compress(photo.convert("L"))


def test_a_damaged_file_is_no_picture_and_one_of_other_weights_says_so(
    codec: jahp.Codec, photo: Image.Image, tmp_path: Path, lively: Callable[..., LatentModel]
) -> None:
    path = tmp_path / "photo.jahp"
    blob = codec.compress(photo)
    path.write_bytes(blob[:-3])
    with pytest.raises(UnidentifiedImageError):
        Image.open(path)
    path.write_bytes(jahp.Codec(lively("JointModel", seed=2)).compress(photo))
    with Image.open(path) as opened, pytest.raises(jahp.BitstreamError, match="other weights"):
        opened.load()


def test_importing_the_plugin_and_opening_a_file_load_no_weights(
    codec: jahp.Codec, photo: Image.Image, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jahp"
    path.write_bytes(codec.compress(photo))
    program = (
        "import sys, jahp_lib.pillow; from PIL import Image; "
        "image = Image.open(sys.argv[1]); assert image.size == (52, 37); "
        "assert 'jahp_lib.checkpoints' not in sys.modules or not "
        "jahp_lib.pillow._shipped.cache_info().currsize"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
