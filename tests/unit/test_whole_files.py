"""Files written whole: what stood there keeps its mode and its links, and what is no file is left alone."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from jahp_lib.photos import whole_files
from jahp_lib.photos.whole_files import write_whole


def only(path: Path, content: bytes) -> None:
    """That the folder holds this file alone, with this content: no temporary left behind."""
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == content


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("function", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    function: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if the file is opened for writing in place, or a temporary stays behind."""
    path = tmp_path / "it"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(whole_files.os, function, fail)
    with pytest.raises(type(error)):
        write_whole(path, b"new" * 1000)
    monkeypatch.undo()
    only(path, b"old")


def test_a_new_file_may_be_read_by_others_as_the_user_s_mask_says(tmp_path: Path) -> None:
    """Breaks if the temporary's own mode, for the owner alone, is kept."""
    old = os.umask(0o022)
    try:
        write_whole(tmp_path / "it", b"content")
    finally:
        os.umask(old)
    assert mode_of(tmp_path / "it") == 0o644


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_a_file_that_was_there_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    """Breaks if a file that its owner alone may read becomes readable for everyone."""
    path = tmp_path / "it"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_whole(path, b"new")
    only(path, b"new")
    assert mode_of(path) == mode


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.ENOTSUP])
def test_where_a_disk_knows_no_modes_the_file_is_written_all_the_same(
    refusal: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Breaks if nothing can be written on a Windows disk under WSL, where chmod is refused."""

    def refuse(*_: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(whole_files.os, "chmod", refuse)
    write_whole(tmp_path / "it", b"new")
    only(tmp_path / "it", b"new")


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("there", [False, True])
def test_a_symbolic_link_stays_and_its_target_is_written(there: bool, relative: bool, tmp_path: Path) -> None:
    """Breaks if the link is replaced by a file: its target, on another disk say, would keep
    the old content.
    """
    (tmp_path / "disk").mkdir()
    (tmp_path / "home").mkdir()
    target, link = tmp_path / "disk" / "it", tmp_path / "home" / "it"
    if there:
        target.write_bytes(b"old")
    link.symlink_to(Path("..") / "disk" / "it" if relative else target)
    write_whole(link, b"new")
    assert link.is_symlink()
    only(target, b"new")
    only(link, b"new")


def test_a_pipe_is_refused_with_a_sentence_and_stays(tmp_path: Path) -> None:
    """Breaks if a FIFO is replaced by a file, and its reader waits for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"pipe is a pipe, and is left as it is: name another file to write\.$"):
        write_whole(tmp_path / "pipe", b"new")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_device_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Breaks if root's /dev/null becomes a file. Through a link in a folder of ours, so that a failure does
    no harm.
    """
    (tmp_path / "null").symlink_to("/dev/null")
    before = os.stat("/dev/null").st_rdev
    original = whole_files.os.replace
    whole_files.os.replace = lambda *_: pytest.fail("a device would be replaced")
    try:
        with pytest.raises(OSError, match=r"is a device, and is left as it is"):
            write_whole(tmp_path / "null", b"new")
    finally:
        whole_files.os.replace = original
    assert os.stat("/dev/null").st_rdev == before


def test_a_folder_in_the_way_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "it").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "it", b"new")
    assert [file.name for file in tmp_path.iterdir()] == ["it"]


@pytest.mark.parametrize("length", [244, 255])
def test_a_name_as_long_as_names_can_be_is_written(length: int, tmp_path: Path) -> None:
    """Breaks if the temporary's name is longer than the file's: 255 bytes are the most."""
    name = "ä" * (length // 2) + "b" * (length % 2)
    write_whole(tmp_path / name, b"new")
    only(tmp_path / name, b"new")
