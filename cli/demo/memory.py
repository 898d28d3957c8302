"""The peak memory of a process and all it started, by sampling."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

SAMPLE_SECONDS = 1.0
MEGABYTE = 1_000_000


class PeakMemory:
    """Samples the memory of a process tree while the block runs.

    A page that several processes share counts once, a part for each of them (their proportional set
    size), where the system tells; elsewhere it counts for each, and the figure is too high.

    Parameters
    ----------
    pid
        The root of the tree.
    """

    def __init__(self, pid: int) -> None:
        self.peak_mb = 0.0
        self._root = psutil.Process(pid)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while True:
            self.peak_mb = max(self.peak_mb, resident_mb(self._root))
            if self._ended.wait(SAMPLE_SECONDS):
                return


def resident_mb(root: psutil.Process) -> float:
    """Return the memory of a process and its descendants; those that are gone have none."""
    total = 0
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            total += _proportional_bytes(process.pid) or process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / MEGABYTE


def _proportional_bytes(pid: int) -> int | None:
    """Return what Linux sums up as a process's share of memory; None where nothing does or may."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    kilobytes = [int(line.split()[1]) for line in lines if line.startswith("Pss:")]
    return kilobytes[0] * 1024 if kilobytes else None
