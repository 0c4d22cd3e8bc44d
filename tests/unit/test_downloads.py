"""Downloads against a server of our own on this machine: whole, broken off, resumed, wrong and missing."""

from __future__ import annotations

import hashlib
import resource
import threading
import urllib.error
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
    (tmp_path / ".it.jahp-part").write_bytes(CONTENT[:1234])
    server.ranges = False
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it").read_bytes() == CONTENT


def test_a_complete_part_is_only_checked(server: Server, tmp_path: Path) -> None:
    """Breaks if the server's answer 416 (nothing left to send) is taken for a failure."""
    (tmp_path / ".it.jahp-part").write_bytes(CONTENT)
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it").read_bytes() == CONTENT


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"!", b"<html>Please log in.</html>", b""])
def test_what_is_not_the_expected_file_is_never_taken_for_it(
    content: bytes, server: Server, tmp_path: Path
) -> None:
    """Breaks if the checksum is not looked at (a hotel's login page), or a wrong part would spoil the next
    try.
    """
    server.content = content
    with pytest.raises(NoNetworkError, match=r"it is not the expected file .* Try again later"):
        fetch(server.address, tmp_path / "it", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_part_of_an_earlier_try_does_not_stay_in_the_way(server: Server, tmp_path: Path) -> None:
    """Breaks if the same wrong beginning is kept for ever."""
    (tmp_path / ".it.jahp-part").write_bytes(b"x" * 500)
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
    """Breaks if a refused connection ends in a traceback. The port was in use a moment ago
    and is closed now.
    """
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


@pytest.mark.filterwarnings("error")
def test_a_file_of_ours_in_the_way_is_renamed_and_never_deleted(server: Server, tmp_path: Path) -> None:
    """Breaks if an existing file is trusted by its name alone, or a user's own file of that name is lost."""
    for count, content in enumerate((b"mine", b"mine too"), start=1):
        (tmp_path / "it").write_bytes(content)
        with pytest.warns(UserWarning, match=r"it was there already .* it is called it\.before"):
            fetch(server.address, tmp_path / "it", SHA256)
        assert (tmp_path / "it").read_bytes() == CONTENT
        kept = tmp_path / ("it.before" if count == 1 else "it.before-2")
        assert kept.read_bytes() == content


def test_a_file_in_the_way_stays_while_the_download_fails(server: Server, tmp_path: Path) -> None:
    """Breaks if room is made before anything new is there."""
    (tmp_path / "it").write_bytes(b"mine")
    server.status = 404
    with pytest.raises(NoNetworkError):
        fetch(server.address, tmp_path / "it", SHA256)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("it", b"mine")]


def test_what_a_browser_left_half_downloaded_is_not_touched(server: Server, tmp_path: Path) -> None:
    """Breaks if ".part", Firefox's own ending, is taken for ours, and deleted."""
    (tmp_path / "it.part").write_bytes(b"Firefox's")
    fetch(server.address, tmp_path / "it", SHA256)
    assert (tmp_path / "it.part").read_bytes() == b"Firefox's"


def test_the_beginning_of_a_checksum_is_enough_to_know_a_file(server: Server, tmp_path: Path) -> None:
    """Breaks if a file that is known by eight digits is refused, or any file is taken."""
    fetch(server.address, tmp_path / "it", SHA256[:8])
    wrong = "0" if SHA256[7] != "0" else "1"
    with pytest.raises(NoNetworkError, match="is not the expected file"):
        fetch(server.address, tmp_path / "other", SHA256[:7] + wrong)


def test_a_full_disk_is_a_sentence_and_what_has_arrived_is_kept(server: Server, tmp_path: Path) -> None:
    """With a real limit: the kernel lets this process write files of 100,000 bytes at most. Breaks if errno's
    text comes through.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(
            OSError, match=r"The disk is full: there is no room for it\. Free some space"
        ) as caught:
            fetch(server.address, tmp_path / "it", SHA256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not isinstance(caught.value, NoNetworkError)
    fetch(server.address, tmp_path / "it", SHA256)
    assert server.requests == [None, "bytes=100000-"]


def test_a_photo_set_is_fetched_by_name_into_a_folder(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if the list of checksums is not followed, or the default folder is not below the data folder."""
    (tmp_path / "kodak.sha256").write_text("".join(f"{SHA256}  kodim0{k}.png\n" for k in (1, 2, 3)))
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(downloads, "CHECKOUT", tmp_path)
    monkeypatch.setattr(downloads, "DATA", tmp_path / "data")
    monkeypatch.setattr(downloads, "FOLDER", tmp_path)
    monkeypatch.setattr(downloads, "KODAK_ADDRESS", server.address + "/{name}")
    for folder in (download("kodak"), download("kodak", tmp_path / "elsewhere")):
        assert sorted(file.name for file in folder.iterdir()) == ["kodim01.png", "kodim02.png", "kodim03.png"]
        assert all(file.read_bytes() == CONTENT for file in folder.iterdir())
    assert (tmp_path / "data" / "kodak").is_dir()


def test_without_a_checkout_photos_go_to_a_folder_of_the_reader_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if an installed package writes beside its own code, among Python's packages."""
    monkeypatch.setattr(downloads, "CHECKOUT", tmp_path)
    assert downloads.default_folder("kodak") == Path("data") / "kodak"


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
    """Stands for torchvision's Imagenette, with three photos: notes its calls, and like it takes any folder
    for the whole set.
    """
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


def test_a_set_that_is_whole_is_not_fetched_again(imagenette: list[str], tmp_path: Path) -> None:
    """Breaks if 1.6 GB are fetched twice, or the folder in which they were unpacked stays."""
    found = download("imagenette", tmp_path)
    assert found == tmp_path / "imagenette2" / "train"
    assert len(list(found.glob("*/*.JPEG"))) == 3
    (found / "n01440764" / "mine.JPEG").touch()  # one more than there should be
    assert download("imagenette", tmp_path) == found
    assert len(imagenette) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["imagenette2"]


def test_what_was_unpacked_in_part_is_not_taken_for_the_whole(imagenette: list[str], tmp_path: Path) -> None:
    """Breaks if a few photos pass for 9,469 in our own workshop, where the last try broke off."""
    begun = tmp_path / ".imagenette.jahp-part" / "imagenette2" / "train" / "n01440764"
    begun.mkdir(parents=True)
    (begun / "0.JPEG").touch()
    assert len(list(download("imagenette", tmp_path).glob("*/*.JPEG"))) == 3


def test_a_folder_of_the_user_s_in_the_way_is_renamed_once_the_set_is_there(
    imagenette: list[str], tmp_path: Path
) -> None:
    """Breaks if a folder called imagenette2 is deleted with whatever is kept in it."""
    (tmp_path / "imagenette2" / "train").mkdir(parents=True)
    (tmp_path / "imagenette2" / "thesis.tex").write_text("years of work")
    with pytest.warns(UserWarning, match=r"is called imagenette2\.before now"):
        found = download("imagenette", tmp_path)
    assert len(list(found.glob("*/*.JPEG"))) == 3
    assert (tmp_path / "imagenette2.before" / "thesis.tex").read_text() == "years of work"


def test_a_folder_of_the_user_s_stays_as_it_is_when_there_is_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if anything is removed before there is anything new: this lost data."""

    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr("torchvision.datasets.Imagenette", unreachable)
    (tmp_path / "imagenette2" / "train").mkdir(parents=True)
    (tmp_path / "imagenette2" / "thesis.tex").write_text("years of work")
    with pytest.raises(NoNetworkError, match="imagenette could not be downloaded"):
        download("imagenette", tmp_path)
    assert (tmp_path / "imagenette2" / "thesis.tex").read_text() == "years of work"


def test_a_damaged_archive_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Breaks if torchvision's RuntimeError comes through: it is how a file whose checksum is wrong is
    reported.
    """

    def damaged(*_: object, **__: object) -> None:
        raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr("torchvision.datasets.Imagenette", damaged)
    with pytest.raises(
        NoNetworkError, match=r"imagenette could not be downloaded \(File not found or corrupted"
    ):
        download("imagenette", tmp_path)
