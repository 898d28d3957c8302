"""A demo that is ended leaves no cloud behind, whatever ends it and whenever."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from cli.context import CHECKOUT

pytestmark = pytest.mark.end_to_end

DEMO = """
import signal
import sys
from pathlib import Path
from cli.context import App
from cli.main import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
main(["demo", "--months", "1"], obj=App(Path(sys.argv[1])))
"""
ENDS_WITHIN_SECONDS = 30.0
STARTS_WITHIN_SECONDS = 120.0


@contextmanager
def demo_in(state_dir: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a demo that finds its data prepared, and end it with the block."""
    (state_dir / "demo").mkdir()
    (state_dir / "demo" / "data").symlink_to(CHECKOUT / ".tidemill" / "demo" / "data")
    command = [sys.executable, "-c", DEMO, str(state_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def read_until(demo: "subprocess.Popen[str]", text: str) -> str:
    """Read what the demo says of its progress until a line holds a text; return that line."""
    assert demo.stderr is not None
    for line in demo.stderr:
        if text in line:
            return line
    raise AssertionError(f"the demo ended and never said {text!r}")


def clouds_of(state_dir: Path) -> list[psutil.Process]:
    """Return the processes of clouds that keep their word in a folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if "cli.local_cloud" in command and str(state_dir / "demo") in command:
            found.append(process)
    return found


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Wait until processes have ended."""
    _, alive = psutil.wait_procs(processes, timeout=ENDS_WITHIN_SECONDS)
    assert not alive, f"{alive} went on"


@pytest.mark.usefixtures("data")
def test_a_demo_that_is_killed_takes_its_cloud_and_the_clouds_workers_along(tmp_path: Path) -> None:
    """Nothing of the demo runs any more to see to it: the cloud notices by itself."""
    with demo_in(tmp_path) as demo:
        read_until(demo, "http://localhost:")
        cloud = psutil.Process(json.loads((tmp_path / "demo" / "local.json").read_text())["pid"])
        family = [cloud, *cloud.children(recursive=True)]
        demo.send_signal(signal.SIGKILL)
        wait_until_gone(family)
    assert not (tmp_path / "demo" / "local.json").exists()


@pytest.mark.usefixtures("data")
def test_a_demo_that_is_interrupted_while_it_deploys_ends_the_deployment(tmp_path: Path) -> None:
    """The cloud has told nobody of itself yet, so nobody else could end it."""
    with demo_in(tmp_path) as demo:
        read_until(demo, "deploying the stacks into a local cloud")
        end = time.monotonic() + STARTS_WITHIN_SECONDS
        while not (found := clouds_of(tmp_path)) and time.monotonic() < end:
            time.sleep(0.05)
        assert found
        demo.send_signal(signal.SIGINT)
        wait_until_gone(found)
        assert demo.wait(ENDS_WITHIN_SECONDS) == 1
    assert clouds_of(tmp_path) == []
