"""Whose a state directory is: one local cloud's at a time, and never a folder of something else."""

import subprocess
import sys
from pathlib import Path

import pytest

from emulator.errors import StateRefused
from emulator.state.directory import StateDirectory


def test_a_directory_in_use_is_refused_with_its_user(tmp_path: Path) -> None:
    first = StateDirectory(tmp_path / "state")
    with pytest.raises(StateRefused, match=r"another local cloud \(process \d+\) uses the state"):
        StateDirectory(tmp_path / "state")
    first.close()
    StateDirectory(tmp_path / "state").close()


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("words")
    with pytest.raises(StateRefused, match=r"holds thesis\.txt and no local-cloud-state"):
        StateDirectory(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateRefused, match="cannot hold a state"):
        StateDirectory(tmp_path / "file")


def test_a_save_left_by_a_killed_process_is_waited_for(tmp_path: Path) -> None:
    StateDirectory(tmp_path).close()
    code = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from emulator.state.directory import StateDirectory\n"
        "held = StateDirectory(Path(sys.argv[1]))\n"
        "if os.fork() == 0:\n"
        "    time.sleep(0.5)\n"
        "    (Path(sys.argv[1]) / 'done').touch()\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    held = StateDirectory(tmp_path)
    assert (tmp_path / "done").exists()
    held.close()
