"""Lesson 7: files that are cut short, damaged, forged, of another model or version.

Each ends in a sentence, quickly.
"""

from __future__ import annotations

import re
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jahp_lib as jahp
from jahp_lib.codec import files, info, tables
from jahp_lib.codec.container import HEADER
from jahp_lib.photos.dead_leaves import dead_leaves
from jahp_lib.transforms import LatentModel

Lively = Callable[..., LatentModel]
MUTATIONS = 5000


@pytest.fixture
def codec(lively: Lively) -> jahp.Codec:
    return jahp.Codec(jahp.VariableRate(lively("JointModel")))


@pytest.fixture
def blob(codec: jahp.Codec) -> bytes:
    picture = dead_leaves(1, 48, np.random.default_rng(0))[0].permute(1, 2, 0).numpy()
    return codec.compress(picture, 0.02)


def sentence_for(codec: jahp.Codec, blob: bytes) -> str:
    """What a person is told who opens this file;

    fails if it opens after all, or the message is no sentence.
    """
    with pytest.raises(jahp.BitstreamError) as caught:
        codec.decompress(blob)
    message = str(caught.value)
    assert re.match(r"[A-Z].{20,}[.)]$", message, re.DOTALL), message
    return message


def with_checksum(blob: bytes) -> bytes:
    """The same file with length and checksum as they should be: what a forger would send."""
    blob = blob[:16] + struct.pack("<I", len(blob) - HEADER.size) + blob[20:]
    return blob[:20] + struct.pack("<I", zlib.crc32(blob[HEADER.size :], zlib.crc32(blob[:20]))) + blob[24:]


def test_the_helper_that_forges_a_checksum_makes_files_that_open(codec: jahp.Codec, blob: bytes) -> None:
    assert with_checksum(blob) == blob


def test_every_prefix_of_a_file_is_refused(codec: jahp.Codec, blob: bytes) -> None:
    assert len(blob) > 100
    for length in range(len(blob)):
        message = sentence_for(codec, blob[:length])
        assert length < 3 or "cut short" in message


def test_bytes_after_the_end_are_noticed(codec: jahp.Codec, blob: bytes) -> None:
    assert "too many" in sentence_for(codec, blob + b"\0")


def test_files_with_random_bytes_changed_are_refused(codec: jahp.Codec, blob: bytes) -> None:
    rng = np.random.default_rng(0)
    for _ in range(MUTATIONS):
        damaged = np.frombuffer(blob, np.uint8).copy()
        places = rng.choice(len(blob), rng.integers(1, 9), replace=False)
        damaged[places] ^= rng.integers(1, 256, len(places), np.uint8)
        sentence_for(codec, damaged.tobytes())


@settings(max_examples=500, deadline=None)
@given(garbage=st.binary(max_size=300), magic=st.sampled_from([b"", b"J", b"JHP", b"JHP\x01"]))
def test_random_garbage_is_refused(garbage: bytes, magic: bytes) -> None:
    with pytest.raises(jahp.BitstreamError):
        info.describe(magic + garbage)


def test_a_forged_code_ends_in_a_sentence_or_in_a_picture_of_the_right_size_never_otherwise(
    codec: jahp.Codec, blob: bytes
) -> None:
    """With a correct checksum: nothing else stands between these bytes and the range coder."""
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(300):
        code = rng.bytes(int(rng.integers(0, 300)))
        try:
            assert codec.decompress(with_checksum(blob[: HEADER.size] + code)).size == (48, 48)
        except jahp.BitstreamError as error:
            assert "differently" in str(error) or "damaged" in str(error)  # noqa: PT017 (either end is right)
            refused += 1
    assert refused > 295


@pytest.mark.parametrize(("width", "height"), [(65535, 65535), (31623, 31623), (65535, 15259)])
def test_a_header_that_claims_a_gigapixel_is_refused_at_once(
    codec: jahp.Codec, blob: bytes, width: int, height: int
) -> None:
    forged = with_checksum(blob[:8] + struct.pack("<HH", width, height) + blob[12:])
    tracemalloc.start()
    start = time.perf_counter()
    assert f"{width}x{height}" in sentence_for(codec, forged)
    assert time.perf_counter() - start < 1
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_header_that_claims_no_pixels_is_refused(codec: jahp.Codec, blob: bytes) -> None:
    assert "has none" in sentence_for(codec, with_checksum(blob[:8] + struct.pack("<HH", 0, 7) + blob[12:]))


def test_a_header_that_claims_another_size_is_noticed(codec: jahp.Codec, blob: bytes) -> None:
    sentence_for(codec, with_checksum(blob[:8] + struct.pack("<HH", 480, 480) + blob[12:]))


def test_a_file_of_another_model_is_named_so(lively: Lively, blob: bytes) -> None:
    other = jahp.Codec(lively("JointModel", seed=2))
    assert "other weights" in sentence_for(other, blob)


def test_a_newer_version_is_named_so_whatever_its_header_holds(codec: jahp.Codec, blob: bytes) -> None:
    assert "newer program" in sentence_for(codec, blob[:3] + b"\x02" + blob[4:])


@pytest.mark.parametrize("other", [b"", b"\x89PNG\r\n\x1a\n" + bytes(50), b"JPEG", "text", None])
def test_another_kind_of_file_is_named_so(codec: jahp.Codec, other: object) -> None:
    assert "compressed picture" in sentence_for(codec, other)


def test_a_bad_file_leaves_the_output_untouched(tmp_path: Path, codec: jahp.Codec, blob: bytes) -> None:
    (tmp_path / "bad.jahp").write_bytes(blob[:-1])
    (tmp_path / "there.png").write_bytes(b"what was here before")
    for name in ("there.png", "new.png"):
        with pytest.raises(jahp.BitstreamError):
            files.decompress_file(tmp_path / "bad.jahp", tmp_path / name, codec)
    assert (tmp_path / "there.png").read_bytes() == b"what was here before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.jahp", "there.png"]


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, codec: jahp.Codec) -> None:
    for source, sentence in ((tmp_path / "none.jahp", "There is no file"), (tmp_path, "is a folder")):
        with pytest.raises(jahp.BitstreamError, match=sentence):
            files.decompress_file(source, tmp_path / "out.png", codec)


def test_a_forged_code_in_the_plain_bits_after_an_escape_ends_in_a_sentence() -> None:
    """Breaks if only the tables' symbols are guarded:

    here the escape can be decoded, and what follows lies beyond the interval.
    """
    frequencies = np.append(np.ones(17, np.int64), tables.TOTAL - 17)  # nearly everything is an escape
    forged = (((1 << 40) - 1) * tables.TOTAL - 1).to_bytes(
        8, "big"
    )  # the last number of the escape's interval
    with pytest.raises(jahp.BitstreamError, match="cannot have been written"):
        tables.SymbolDecoder(forged).decode([tables.Table(frequencies)], np.zeros(1, np.int16))
