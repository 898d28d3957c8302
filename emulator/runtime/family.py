"""The processes of one worker: itself, what its handler starts, and what tries to outlive it."""

import contextlib
import os
import signal
from pathlib import Path

import psutil

_MB = 1 << 20
_KERNEL_TELLS = Path("/proc/self/environ").exists()
"""Whether processes can be looked at as files, which costs a tenth of asking psutil."""


class Family:
    """Watches the memory of a worker's processes and ends them all.

    Parameters
    ----------
    pid
        The worker, which leads a process group of its own.
    mark
        A line of its environment that no other process has.
    """

    def __init__(self, pid: int, mark: str) -> None:
        self._pid = pid
        self._mark = mark.encode()
        self._leader = psutil.Process(pid)

    def memory_mb(self) -> int:
        """Measure the memory all processes hold, in MB, rounded up; pages they share count once.

        Returns
        -------
        int
            0 when the worker is gone.
        """
        try:
            held = self._leader.memory_info().rss
            if children := self._children():
                held = sum(_fair_share(each) for each in [self._leader, *children])
        except psutil.Error:
            return 0
        return -(-held // _MB)

    def end(self, *, leader_waits: bool) -> None:
        """Kill every process: the group at once, and those that left it by their environment.

        Parameters
        ----------
        leader_waits
            Whether the worker has not been waited for: once it has, its number may be another's group.
        """
        if leader_waits:
            os.killpg(self._pid, signal.SIGKILL)
        for pid in _marked(self._mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _children(self) -> list[psutil.Process]:
        """List descendants; most workers have none, and the kernel tells so in microseconds."""
        return [] if _is_childless(self._pid) else self._leader.children(recursive=True)


def _is_childless(pid: int) -> bool:
    """Read the kernel's lists of children, one a thread; without them, nothing is known."""
    tasks = f"/proc/{pid}/task"
    try:
        return not any(_content(f"{tasks}/{thread}/children") for thread in os.listdir(tasks))  # noqa: PTH208  Path costs more than the look
    except OSError:  # another system, or a thread that has just ended
        return False


def _content(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 64)
    finally:
        os.close(descriptor)


def _fair_share(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.NoSuchProcess:  # it ended meanwhile
        return 0
    return int(getattr(full, "pss", full.rss))


def _marked(mark: bytes) -> list[int]:
    """Find processes by a line of their environment; those that cannot be read are none of ours."""
    return [pid for pid in psutil.pids() if mark in _environment(pid)]


def _environment(pid: int) -> list[bytes]:
    try:
        if _KERNEL_TELLS:
            return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        return [os.fsencode(f"{name}={value}") for name, value in psutil.Process(pid).environ().items()]
    except (OSError, psutil.Error):
        return []
