"""What the welcome lesson puts in front of a reader: their own photo, and other codecs at the same size."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jahp_lib import photos
from jahp_lib.course.widgets import chosen_photo, photo_upload
from jahp_lib.demo import jpeg_of_size, webp_of_size

SAMPLE = Image.new("RGB", (8, 8), "red")


def file_of(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (0, 0, 255)).save(buffer, "PNG")
    return buffer.getvalue()


def upload_7(content: bytes) -> dict:
    """The value of ipywidgets 7.7's FileUpload."""
    return {
        "cat.png": {
            "metadata": {"name": "cat.png", "type": "image/png", "size": len(content)},
            "content": content,
        }
    }


def upload_8(content: bytes) -> tuple:
    """The value of ipywidgets 8's FileUpload."""
    return ({"name": "cat.png", "type": "image/png", "size": len(content), "content": memoryview(content)},)


@pytest.mark.parametrize("upload", [upload_7, upload_8])
def test_an_uploaded_photo_is_taken_from_either_version_of_the_widget(upload: Callable) -> None:
    image, note = chosen_photo(upload(file_of(30, 20)), "", SAMPLE)
    assert image.size == (30, 20)
    assert image.getpixel((0, 0)) == (0, 0, 255)
    assert "30×20" in note


@pytest.mark.parametrize("nothing", [{}, (), photo_upload().value])
def test_without_a_choice_the_sample_is_shown_and_said_to_be_one(nothing: object) -> None:
    image, note = chosen_photo(nothing, "", SAMPLE)
    assert image is SAMPLE
    assert "sample" in note


def test_a_path_is_taken_if_nothing_was_uploaded(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(file_of(12, 10))
    assert chosen_photo((), str(path), SAMPLE)[0].size == (12, 10)
    assert chosen_photo(upload_8(file_of(30, 20)), str(path), SAMPLE)[0].size == (30, 20)


def test_an_oversize_photo_is_scaled_down_and_that_is_said() -> None:
    image, note = chosen_photo(upload_8(file_of(2000, 500)), "", SAMPLE, longest=640)
    assert image.size == (640, 160)
    assert "scaled down from 2000×500 to 640×160" in note
    assert chosen_photo(upload_8(file_of(640, 2)), "", SAMPLE, longest=640)[0].size == (640, 2)


@pytest.mark.parametrize("content", [b"", b"no picture", file_of(30, 20)[:40]])
def test_what_is_no_photo_gives_the_sample_and_a_sentence(content: bytes) -> None:
    image, note = chosen_photo(upload_8(content), "", SAMPLE)
    assert image is SAMPLE
    assert note.endswith("Shown is a sample.")
    assert len(note) > 40


def test_a_path_that_leads_nowhere_gives_the_sample_and_names_the_path() -> None:
    image, note = chosen_photo((), "nowhere.jpg", SAMPLE)
    assert image is SAMPLE
    assert "nowhere.jpg" in note


@pytest.mark.parametrize("of_size", [jpeg_of_size, webp_of_size])
def test_the_best_file_of_a_size_is_not_larger_and_the_next_quality_would_be(of_size: Callable) -> None:
    photo = photos.sample_photos()["chelsea"]
    blob, quality = of_size(photo, 9000)
    assert len(blob) <= 9000
    better, best = of_size(photo, 12000)
    assert len(better) > 9000
    assert best > quality
    original = np.asarray(photo, np.float64)
    errors = [
        np.mean((np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) - original) ** 2)
        for file in (blob, better)
    ]
    assert errors[1] < errors[0]


@pytest.mark.parametrize("of_size", [jpeg_of_size, webp_of_size])
def test_if_no_quality_is_small_enough_the_smallest_is_given(of_size: Callable) -> None:
    blob, quality = of_size(photos.sample_photos()["chelsea"], 10)
    assert quality == 1
    assert len(blob) > 10
