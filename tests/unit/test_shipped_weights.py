"""What is said of the weights that ship, ``jahp.load("small")``, held on the sample photos:

real files, 8-bit pictures.
"""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest

import jahp_lib
from jahp_lib.codec import Codec
from jahp_lib.demo import jpeg_of_size
from jahp_lib.evaluation import picture_psnr
from jahp_lib.photos import open_photo, sample_photos
from jahp_lib.variable_rate import LMBDA_MAX, LMBDA_MIN
from jahp_lib.weights import FOLDER

PHOTO = "chelsea"


@pytest.fixture(scope="module")
def codec() -> Codec:
    return Codec(jahp_lib.load("small"))


def test_they_take_at_most_4_megabytes() -> None:
    assert (FOLDER / "small.safetensors").stat().st_size <= 4_000_000


def test_bytes_and_psnr_rise_strictly_over_20_values_of_lmbda(codec: Codec) -> None:
    """Would break with weights for a single λ, with gains that are not smooth, or with a λ that does not
    reach the networks."""
    photo, sizes, qualities = sample_photos()[PHOTO], [], []
    for lmbda in np.geomspace(LMBDA_MIN, LMBDA_MAX, 20):
        encoding = codec.encode(photo, float(lmbda))
        sizes.append(len(encoding.blob))
        qualities.append(picture_psnr(photo, codec.synthesise(encoding)))
    assert all(later > earlier for earlier, later in itertools.pairwise(sizes)), sizes
    assert all(later > earlier for earlier, later in itertools.pairwise(qualities)), qualities
    assert sizes[-1] > 3 * sizes[0]


@pytest.mark.parametrize("name", sorted(sample_photos()))
def test_a_photo_from_a_file_of_jpegs_size_is_closer_to_the_original(codec: Codec, name: str) -> None:
    """Would break with untrained weights, or with a decoder that is not the encoder's."""
    photo = sample_photos()[name]
    photo = photo.crop((0, 0, min(photo.width, 384), min(photo.height, 256)))
    blob = codec.compress(photo, lmbda=0.013)
    jpeg, _ = jpeg_of_size(photo, len(blob))
    assert len(jpeg) >= 0.9 * len(blob)
    assert (
        picture_psnr(photo, codec.decompress(blob)) > picture_psnr(photo, open_photo(io.BytesIO(jpeg))) + 0.5
    )
