"""Downloads against a server of our own on this machine: whole, broken off, resumed, wrong and missing."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from jahp_lib.photos import downloads
from jahp_lib.photos.downloads import NoNetworkError, download, fetch
from jahp_lib.weights import FOLDER

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Sends CONTENT, and can be told to misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges = True  # answers requests for a part
        self.stop_after: int | None = None  # hangs up after so many bytes
        self.status = 200
        self.content = CONTENT
        self.requests: list[str | None] = []  # the Range header of each request

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/it"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        server = self.server
        asked = self.headers.get("Range")
        server.requests.append(asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and server.ranges else 0
        if start >= len(server.content) and start:
            self.send_error(416)
            return
        rest = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if server.stop_after is None else rest[: server.stop_after])

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_arrives_whole_and_is_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    """Breaks if bytes are lost, a temporary stays, or what is there is fetched again."""
    path = tmp_path / "new" / "it.png"
    assert fetch(server.address, path, SHA256) == path
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["it.png"]
    fetch(server.address, path, SHA256)
    assert server.requests == [None]


def test_a_download_that_broke_off_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    """Breaks if the part that arrived is thrown away, taken for the whole, or fetched again."""
    path = tmp_path / "it.png"
    server.stop_after = 100_000
    with pytest.raises(NoNetworkError, match="again"):
        fetch(server.address, path, SHA256)
    assert not path.exists()
    server.stop_after = None
    fetch(server.address, path, SHA256)
    assert path.read_bytes() == CONTENT
    assert server.requests == [None, "bytes=100000-"]
    assert [file.name for file in tmp_path.iterdir()] == ["it.png"]


def test_a_download_may_break_off_many_times(server: Server, tmp_path: Path) -> None:
    """Breaks if a resumed download is resumed at the wrong place."""
    server.stop_after = 90_000
    for _ in range(3):
        with pytest.raises(NoNetworkError):
            fetch(server.address, tmp_path / "it", SHA256)
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=90000-", "bytes=180000-", "bytes=270000-"]


def test_a_server_without_ranges_sends_the_whole_file_again(server: Server, tmp_path: Path) -> None:
    """Breaks if the whole is appended to the part."""
    (tmp_path / "it.part").write_bytes(CONTENT[:1234])
    server.ranges = False
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_a_complete_part_is_only_checked(server: Server, tmp_path: Path) -> None:
    """Breaks if the server's answer 416 (nothing left to send) is taken for a failure."""
    (tmp_path / "it.part").write_bytes(CONTENT)
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"!", b"<html>Please log in.</html>", b""])
def test_what_is_not_the_expected_file_is_never_taken_for_it(
    content: bytes, server: Server, tmp_path: Path
) -> None:
    """Breaks if the checksum is not looked at (a hotel's login page), or a wrong part would spoil the next try."""
    server.content = content
    with pytest.raises(NoNetworkError, match=r"it is not the expected file .* Try again later"):
        fetch(server.address, tmp_path / "it", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_part_of_an_earlier_try_does_not_stay_in_the_way(server: Server, tmp_path: Path) -> None:
    """Breaks if the same wrong beginning is kept for ever."""
    (tmp_path / "it.part").write_bytes(b"x" * 500)
    with pytest.raises(NoNetworkError):
        fetch(server.address, tmp_path / "it", SHA256)
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_server_s_refusal_is_said_with_what_to_do_without_it(
    status: int, server: Server, tmp_path: Path
) -> None:
    """Breaks if urllib's error comes through, or an error page becomes a photo."""
    server.status = status
    with pytest.raises(
        NoNetworkError, match=r"it could not be downloaded .*sample_photos\(\), or a folder of your own"
    ):
        fetch(server.address, tmp_path / "it", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_a_sentence_says_what_to_do_without_it(server: Server, tmp_path: Path) -> None:
    """Breaks if a refused connection ends in a traceback. The port was in use a moment ago and is closed now."""
    server.server_close()
    with pytest.raises(NoNetworkError, match=r"could not be downloaded .* Without a network, use"):
        fetch(server.address, tmp_path / "it", SHA256, timeout=2)
    with pytest.raises(NoNetworkError, match="could not be downloaded"):
        fetch("http://no-such-host.invalid/it", tmp_path / "it", SHA256, timeout=2)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_speaks_another_language_is_no_traceback(tmp_path: Path) -> None:
    """Breaks if http.client's own errors, which are no OSError, come through."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NoNetworkError):
            fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/it", tmp_path / "it", SHA256, timeout=5)
        thread.join()


def test_an_earlier_wrong_file_is_replaced_once_the_right_one_is_there(
    server: Server, tmp_path: Path
) -> None:
    """Breaks if an existing file is trusted by its name alone."""
    (tmp_path / "it").write_bytes(b"old")
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_a_photo_set_is_fetched_by_name_into_a_folder(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if the list of checksums is not followed, or the default folder is not below the data folder."""
    (tmp_path / "kodak.sha256").write_text("".join(f"{SHA256}  kodim0{k}.png\n" for k in (1, 2, 3)))
    monkeypatch.setattr(downloads, "DATA", tmp_path)
    monkeypatch.setattr(downloads, "FOLDER", tmp_path)
    monkeypatch.setattr(downloads, "KODAK_ADDRESS", server.address + "/{name}")
    for folder in (download("kodak"), download("kodak", tmp_path / "elsewhere")):
        assert sorted(file.name for file in folder.iterdir()) == ["kodim01.png", "kodim02.png", "kodim03.png"]
        assert all(file.read_bytes() == CONTENT for file in folder.iterdir())
    assert (tmp_path / "kodak").is_dir()


def test_the_list_of_the_kodak_photos_is_complete() -> None:
    """Breaks if a line of the list is lost: 24 photos, each with 64 hexadecimal digits."""
    lines = (FOLDER / "kodak.sha256").read_text().split()
    assert lines[1::2] == [f"kodim{k:02d}.png" for k in range(1, 25)]
    assert all(len(bytes.fromhex(digits)) == 32 for digits in lines[::2])
    assert len(set(lines[::2])) == 24


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """Breaks if a mistyped name ends in a KeyError."""
    with pytest.raises(ValueError, match=r"no photo set called 'codak'; 'kodak' .* and 'imagenette'"):
        download("codak")


@pytest.fixture
def imagenette(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands for torchvision's Imagenette, with three photos: notes its calls, and like it takes any folder for the whole set."""
    calls: list[str] = []

    def unpack(root: str, split: str, size: str, download: bool) -> None:
        calls.append(root)
        folder = Path(root) / "imagenette2" / "train" / "n01440764"
        if download and not (Path(root) / "imagenette2").exists():
            folder.mkdir(parents=True)
            for k in range(3):
                (folder / f"{k}.JPEG").touch()

    monkeypatch.setattr("torchvision.datasets.Imagenette", unpack)
    monkeypatch.setattr(downloads, "IMAGENETTE_PHOTOS", 3)
    return calls


def test_a_set_whose_unpacking_was_broken_off_is_fetched_again_and_a_whole_one_is_not(
    imagenette: list[str], tmp_path: Path
) -> None:
    """Breaks if a few photos pass for 9,469, or 1.6 GB are fetched twice."""
    begun = tmp_path / "imagenette2" / "train" / "n01440764"
    begun.mkdir(parents=True)
    (begun / "0.JPEG").touch()
    assert download("imagenette", tmp_path) == begun.parent
    assert len(list(begun.iterdir())) == 3
    download("imagenette", tmp_path)
    assert imagenette == [str(tmp_path)]


def test_a_damaged_archive_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if torchvision's RuntimeError comes through: it is how a file whose checksum is wrong is reported."""

    def damaged(*_: object, **__: object) -> None:
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr("torchvision.datasets.Imagenette", damaged)
    with pytest.raises(
        NoNetworkError, match=r"imagenette could not be downloaded \(File not found or corrupted"
    ):
        download("imagenette", tmp_path)
