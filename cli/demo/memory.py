"""The peak memory of a process and all it started, by sampling."""

import threading
from types import TracebackType
from typing import Self

import psutil

SAMPLE_SECONDS = 0.5
MEGABYTE = 1_000_000


class PeakMemory:
    """Samples the resident memory of a process tree while the block runs.

    Pages that processes share are counted once for each, so the figure is never too low.

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
    """Return the resident memory of a process and its descendants; those that are gone have none."""
    total = 0
    try:
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0.0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / MEGABYTE
