"""A local cloud's process tells why it did not start, and ends with all it started."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from cli.context import App
from cli.local_cloud import stop
from cli.main import main
from tidemill.client.endpoint import LocalCloud

PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_stopping_ends_the_process_and_its_workers() -> None:
    """A worker that nobody waits for any more is not left behind."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        stop(parent.pid)
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
        assert not psutil.pid_exists(parent.pid)


def test_stopping_what_is_gone_is_no_error() -> None:
    """`tidemill down` twice is fine."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    stop(ended.pid)


def test_down_without_a_cloud_says_so(tmp_path: Path) -> None:
    """There is nothing to end, and that is what it says."""
    result = CliRunner().invoke(main, ["down"], obj=App(tmp_path))
    assert result.exit_code == 0
    assert "no local cloud is running" in result.output


@pytest.mark.parametrize("arguments", [["up", "--detach"], ["demo", "--keep"]])
def test_a_cloud_is_not_started_beside_the_one_that_commands_find(
    arguments: list[str], tmp_path: Path
) -> None:
    """Two clouds of one checkout would fight over `.tidemill/local.json`, and one be left running."""
    LocalCloud(pid=os.getpid(), port=4599).save(tmp_path)
    result = CliRunner().invoke(main, arguments, obj=App(tmp_path))
    assert result.exit_code == 1
    assert "http://localhost:4599" in result.output
    assert "tidemill down" in result.output
