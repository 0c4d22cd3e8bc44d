"""Weights by name, from a server of our own on this machine: files of torch.save as CompressAI publishes
them, and bad ones.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import resource
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from jahp_lib.checkpoints import (
    CheckpointError,
    download_weights,
    from_compressai,
    load,
    published,
    published_weights,
)
from jahp_lib.checkpoints.published_weights import Published
from jahp_lib.factorized import FactorizedModel
from jahp_lib.photos.downloads import NoNetworkError
from jahp_lib.weights import FOLDER

NAME = "bmshj2018-factorized-mse-3"


def their_factorized(N: int = 2, M: int = 3) -> dict[str, torch.Tensor]:
    """Random weights under the names that the published files of bmshj2018-factorized have."""
    torch.manual_seed(4)
    weights = {}
    for k, (inputs, outputs) in zip((0, 2, 4, 6), ((3, N), (N, N), (N, N), (N, M)), strict=True):
        weights[f"g_a.{k}.weight"] = torch.randn(outputs, inputs, 5, 5)
        weights[f"g_a.{k}.bias"] = torch.randn(outputs)
    for k, (inputs, outputs) in zip((0, 2, 4, 6), ((M, N), (N, N), (N, N), (N, 3)), strict=True):
        weights[f"g_s.{k}.weight"] = torch.randn(inputs, outputs, 5, 5)
        weights[f"g_s.{k}.bias"] = torch.randn(outputs)
    for name in ("g_a", "g_s"):
        for k in (1, 3, 5):
            weights[f"{name}.{k}.beta"] = torch.rand(N) + 0.5
            weights[f"{name}.{k}.gamma"] = torch.rand(N, N)
    widths = [1, 3, 3, 3, 3, 1]
    for k in range(5):
        weights[f"entropy_bottleneck._matrices.{k}"] = torch.randn(M, widths[k + 1], widths[k])
        weights[f"entropy_bottleneck._biases.{k}"] = torch.randn(M, widths[k + 1], 1)
        if k < 4:
            weights[f"entropy_bottleneck._factors.{k}"] = torch.randn(M, widths[k + 1], 1)
    weights["entropy_bottleneck.quantiles"] = torch.randn(M, 1, 3)
    weights["entropy_bottleneck._offset"] = torch.zeros(M, dtype=torch.int32)
    return weights


def file_of(content: object, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


class Handler(SimpleHTTPRequestHandler):
    """The files of a folder, cut after ``stop_after`` bytes, from where a Range asks for."""

    stop_after: int | None = None
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012 (of the class, on purpose: the fixture empties it)

    def do_GET(self) -> None:
        content = (Path(self.directory) / self.path.lstrip("/")).read_bytes()
        wanted = self.headers.get("Range")
        Handler.asked.append((self.path, wanted))
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : Handler.stop_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """``publish(content)`` puts a file on a local server under the name that the list has, and its checksum
    into the list.
    """
    (tmp_path / "server").mkdir()
    Handler.stop_after, Handler.asked = None, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path / "server")))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(published_weights, "ADDRESS", f"http://127.0.0.1:{server.server_port}/{{file}}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def put(content: bytes, name: str = NAME, checksum: str | None = None) -> str:
        begins = hashlib.sha256(content).hexdigest()[:8] if checksum is None else checksum
        entry = published()[name]
        file = f"it-{begins}.pth.tar"
        (tmp_path / "server" / file).write_bytes(content)
        changed = Published(file, entry.architecture, entry.metric, entry.quality, begins)
        monkeypatch.setitem(published(), name, changed)
        return name

    yield put
    server.shutdown()
    thread.join()
    server.server_close()


def cached(tmp_path: Path) -> list[str]:
    folder = tmp_path / "cache" / "jahp" / "weights"
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_are_loaded_by_name_and_fetched_once(
    zipped: bool, publish: Callable[..., str], tmp_path: Path
) -> None:
    """Breaks if a model asked for by name is another, or is fetched each time; the old format of torch.save
    too.
    """
    name = publish(file_of(their_factorized(), zipped))
    for _again in range(2):
        model = load(name)
    assert len(Handler.asked) == 1
    assert isinstance(model, FactorizedModel)
    assert not model.training
    torch.testing.assert_close(model.state_dict(), from_compressai(their_factorized()).state_dict())
    assert cached(tmp_path) == [f"{name}.safetensors"]


def test_a_download_that_broke_off_goes_on_where_it_was(publish: Callable[..., str], tmp_path: Path) -> None:
    """Breaks if 100 MB are fetched from their beginning after each failure."""
    content = file_of(their_factorized())
    name = publish(content)
    Handler.stop_after = 1000
    with pytest.raises(NoNetworkError, match=f"broke off after 1,000 of {len(content):,} bytes"):
        load(name)
    Handler.stop_after = None
    load(name)
    assert [wanted for _, wanted in Handler.asked] == [None, "bytes=1000-"]


def test_weights_can_be_kept_in_a_folder_of_one_s_own(publish: Callable[..., str], tmp_path: Path) -> None:
    name = publish(file_of(their_factorized()))
    path = download_weights(name, tmp_path / "mine")
    assert path == tmp_path / "mine" / f"{name}.safetensors"
    load(path)
    assert cached(tmp_path) == []


def test_a_wrong_checksum_is_a_sentence_and_nothing_is_kept(
    publish: Callable[..., str], tmp_path: Path
) -> None:
    """Breaks if the digits in the name are not looked at."""
    name = publish(file_of(their_factorized()), checksum="0123abcd")
    with pytest.raises(
        NoNetworkError, match=r"0123abcd\.pth\.tar is not the expected file \(its sha256 differs\)"
    ):
        load(name)
    assert cached(tmp_path) == []


def test_without_a_network_a_sentence_says_what_there_is_without_it(
    publish: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if advice is about photos, or urllib's error comes through."""
    monkeypatch.setattr(published_weights, "ADDRESS", "http://no-such-host.invalid/{file}")
    with pytest.raises(
        NoNetworkError, match=r"could not be downloaded .*use the shipped weights \(small\)\.$"
    ):
        load(NAME)


def test_a_full_disk_is_a_sentence_and_what_arrived_is_kept(
    publish: Callable[..., str], tmp_path: Path
) -> None:
    """With a real limit: the kernel lets this process write files of 2,000 bytes at most."""
    name = publish(file_of(their_factorized()))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match=r"The disk is full: there is no room for it-"):
            load(name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    load(name)
    assert [wanted for _, wanted in Handler.asked] == [None, "bytes=2000-"]


@pytest.mark.parametrize("zipped", [True, False])
def test_a_program_in_a_file_of_weights_is_not_run(
    zipped: bool, publish: Callable[..., str], tmp_path: Path
) -> None:
    """Breaks if the file is unpickled: this one would leave a file behind. Its checksum is right."""

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (os.mkdir, (str(tmp_path / "sprung"),))

    name = publish(file_of({**their_factorized(), "trap": Trap()}, zipped))
    with pytest.raises(CheckpointError, match=r"holds more than tensors, maybe a program: it was not opened"):
        load(name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    "content", [b"", b"no weights at all", b"PK\x03\x04" + bytes(500)], ids=["empty", "text", "zip"]
)
def test_a_file_that_is_none_of_pytorch_s_is_a_sentence(content: bytes, publish: Callable[..., str]) -> None:
    with pytest.raises(
        CheckpointError, match=r"it-[0-9a-f]{8}\.pth\.tar (cannot be read as weights|holds more than)"
    ):
        load(publish(content))


def test_weights_under_the_name_of_another_architecture_are_refused(publish: Callable[..., str]) -> None:
    """Breaks if what is loaded is not what its name says."""
    with pytest.raises(CheckpointError, match="holds weights of bmshj2018-factorized, not of mbt2018"):
        load(publish(file_of(their_factorized()), "mbt2018-mse-4"))


def test_an_unknown_name_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(CheckpointError, match=r"called 'mbt2018-mse-9'.*mbt2018-mse, .*-1 .* to -8"):
        load("mbt2018-mse-9")
    with pytest.raises(CheckpointError, match="no published weights called 'small'"):
        download_weights("small")


def test_the_list_has_all_qualities_of_all_architectures_and_metrics_each_once() -> None:
    """Breaks if a line is lost, or a name does not end with the checksum that the list has for it."""
    architectures = ("bmshj2018-factorized", "bmshj2018-hyperprior", "mbt2018-mean", "mbt2018")
    families = [f"{name}-{metric}" for name in architectures for metric in ("mse", "ms-ssim")]
    assert sorted(published()) == sorted(
        f"{family}-{quality}" for family in families for quality in range(1, 9)
    )
    assert len((FOLDER / "published.csv").read_text().splitlines()) == 1 + 64
    for entry in published().values():
        assert re.search(rf"-{entry.quality}-{entry.sha256_begins}\.pth\.tar$", entry.file)
        assert ("ms-ssim" in entry.file) == (entry.metric == "ms-ssim")
        assert entry.file.startswith(entry.architecture)
    assert published()["mbt2018-mse-4"].lmbda == 0.013
