"""BPG, VTM and HM through programs that stand in for them: they code nothing away, but want the same options
and planes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jahp_lib import reference_programs
from jahp_lib.reference_programs import ProgramError, installed_programs, to_rgb, to_ycbcr

# each keeps the picture in its "stream", after the setting; the video encoders check that the planes have the
# size they are told
BPGENC = """import sys, pathlib
a = sys.argv
photo = pathlib.Path(a[-1]).read_bytes()
pathlib.Path(a[a.index("-o") + 1]).write_bytes(a[a.index("-q") + 1].encode() + b" " + photo)"""
BPGDEC = """import sys, pathlib
a = sys.argv
pathlib.Path(a[a.index("-o") + 1]).write_bytes(pathlib.Path(a[-1]).read_bytes().split(b" ", 1)[1])"""
ENCODER = """import sys, pathlib
a = sys.argv
planes = pathlib.Path(a[a.index("-i") + 1]).read_bytes()
assert len(planes) == 3 * int(a[a.index("-wdt") + 1]) * int(a[a.index("-hgt") + 1])
assert "--InputChromaFormat=444" in a and pathlib.Path(a[a.index("-c") + 1]).is_file()
pathlib.Path(a[a.index("-b") + 1]).write_bytes(b"%3d" % int(a[a.index("-q") + 1]) + planes)"""
DECODER = """import sys, pathlib
a = sys.argv
pathlib.Path(a[a.index("-o") + 1]).write_bytes(pathlib.Path(a[a.index("-b") + 1]).read_bytes()[3:])"""
PROGRAMS = {
    "bpgenc": BPGENC,
    "bpgdec": BPGDEC,
    "EncoderAppStatic": ENCODER,
    "DecoderAppStatic": DECODER,
    "TAppEncoder": ENCODER,
    "TAppDecoder": DECODER,
}


def install(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(f"#!{sys.executable}\n{PROGRAMS[name]}\n")
        (folder / name).chmod(0o755)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder where programs are looked for."""
    for name in ("VTM", "HM"):
        monkeypatch.delenv(f"{name}_CONFIG", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_without_programs_nothing_is_measured_and_nothing_said(on_path: Path) -> None:
    assert installed_programs() == ([], [])


@pytest.mark.parametrize(
    ("programs", "config", "name"),
    [
        (("bpgenc", "bpgdec"), None, "BPG 4:4:4"),
        (("EncoderAppStatic", "DecoderAppStatic"), "encoder_intra_vtm.cfg", "VTM"),
        (("TAppEncoder", "TAppDecoder"), "encoder_intra_main_rext.cfg", "HM"),
    ],
)
def test_a_picture_goes_there_and_back_by_each_program(
    programs: tuple[str, str], config: str | None, name: str, on_path: Path
) -> None:
    """Breaks with a wrong option, planes in another order, or width and height exchanged."""
    install(on_path, *programs)
    if config is not None:
        (on_path.parent / "cfg").mkdir()
        (on_path.parent / "cfg" / config).touch()
    (program,), notes = installed_programs()
    assert (program.name, notes) == (name, [])
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 33, 3), dtype=np.uint8))
    blob = program.encode(image, 37)
    assert b"37" in blob[:3]
    decoded = np.asarray(program.decode(blob), dtype=int)
    assert np.abs(decoded - np.asarray(image, dtype=int)).max() <= (0 if config is None else 2)


def test_a_program_without_its_configuration_is_left_out_and_that_is_said(on_path: Path) -> None:
    install(on_path, "EncoderAppStatic", "DecoderAppStatic")
    programs, notes = installed_programs()
    assert programs == []
    assert "VTM_CONFIG" in notes[0]


def test_a_program_that_fails_is_named_with_its_last_words(on_path: Path) -> None:
    install(on_path, "bpgenc")
    (on_path / "bpgenc").write_text(f"#!{sys.executable}\nraise SystemExit('no such quantiser')\n")
    with pytest.raises(ProgramError, match="bpgenc failed with exit code 1: no such quantiser"):
        reference_programs.BPG().encode(Image.new("RGB", (8, 8)), 99)


def test_grey_has_no_colour_difference_and_the_corners_of_the_cube_come_back() -> None:
    """Against ITU-R BT.709: would break with BT.601's weights, or studio range."""
    corners = np.array(
        [[[255 * r, 255 * g, 255 * b] for r in (0, 1) for g in (0, 1) for b in (0, 1)]], np.uint8
    )
    planes = to_ycbcr(corners)
    assert planes[0, 0].tolist() == [0, 18, 182, 201, 54, 73, 237, 255]
    assert planes[1:, 0, [0, 7]].tolist() == [[128, 128], [128, 128]]
    assert np.abs(to_rgb(planes).astype(int) - corners).max() <= 2
