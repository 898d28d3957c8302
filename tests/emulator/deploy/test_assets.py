"""Zips of directories: what they hold, and that equal directories give equal bytes."""

import zipfile
from pathlib import Path

from emulator.deploy.assets import zip_directory


def make(directory: Path) -> Path:
    (directory / "pkg").mkdir(parents=True)
    (directory / "pkg" / "a.py").write_text("x = 1\n")
    (directory / "run.sh").write_text("#!/bin/sh\n")
    (directory / "run.sh").chmod(0o755)
    return directory


def test_equal_directories_give_equal_zips(tmp_path: Path) -> None:
    zips = []
    for name in ("one", "two"):
        zip_directory(make(tmp_path / name), tmp_path / f"{name}.zip")
        zips.append((tmp_path / f"{name}.zip").read_bytes())
    assert zips[0] == zips[1]


def test_a_zip_holds_every_file_with_its_mode(tmp_path: Path) -> None:
    zip_directory(make(tmp_path / "d"), tmp_path / "d.zip")
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
        assert set(modes) == {"pkg/a.py", "run.sh"}
        assert modes["run.sh"] == 0o755
        assert archive.read("pkg/a.py") == b"x = 1\n"
