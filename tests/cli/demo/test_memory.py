"""What the peak memory of a process tree must hold."""

import os
import subprocess
import sys

import psutil

from cli.demo.memory import PeakMemory, resident_mb

HOLDS_80_MB = "held = bytearray(80_000_000)\nprint(len(held), flush=True)\ninput()"


def test_what_a_child_holds_counts_and_what_has_ended_does_not() -> None:
    before = resident_mb(psutil.Process())
    with PeakMemory(os.getpid()) as memory:
        child = subprocess.Popen(
            [sys.executable, "-c", HOLDS_80_MB], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        held = resident_mb(psutil.Process())
        assert held - before > 70
        gone = psutil.Process(child.pid)
        child.communicate(b"\n")
        assert resident_mb(gone) == 0.0
    assert memory.peak_mb > 0
