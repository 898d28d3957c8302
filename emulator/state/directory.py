"""The directory a state lies in: whose it is, and that one local cloud uses it at a time.

DIR/local-cloud-state   says that the directory is one; made first
DIR/lock                held while a local cloud uses it; the process's id is in it
DIR/snapshot            everything but large bytes (`snapshot`)
DIR/blobs/              large bytes (`blobs`)
"""

import fcntl
import os
import time
from pathlib import Path

import psutil

from emulator.errors import StateRefused
from emulator.state.blobs import BlobStore

MARK = "local-cloud-state"
_ABOUT = "State of a local cloud (python -m emulator up --state). Remove the whole directory to begin anew.\n"
# A killed local cloud may leave a save that is just being written; it holds the lock until it is done.
_LEFT_OVER_SAVE_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.05


class StateDirectory:
    """A directory held for one local cloud, from its construction until `close`.

    Parameters
    ----------
    root
        The directory; made when missing.

    Raises
    ------
    StateRefused
        Another local cloud uses it, or it holds something else.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        _claim(root)
        self._lock = _locked(root)
        self.snapshot = root / "snapshot"
        self.blobs = BlobStore(root / "blobs")

    def close(self) -> None:
        """Let others use it."""
        os.close(self._lock)


def _claim(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
        foreign = [path.name for path in sorted(root.iterdir())]
        if MARK in foreign:
            return
        if foreign:
            raise StateRefused(
                f"{root} is no state of a local cloud: it holds {foreign[0]} and no {MARK}; "
                "name an empty directory, or one that does not exist yet"
            )
        (root / MARK).write_text(_ABOUT)
    except OSError as error:
        raise StateRefused(f"{root} cannot hold a state: {error}; name another directory") from error


def _locked(root: Path) -> int:
    descriptor = os.open(root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    end = time.monotonic() + _LEFT_OVER_SAVE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode().strip()
            if _runs(holder) or time.monotonic() > end:
                os.close(descriptor)
                raise StateRefused(
                    f"another local cloud (process {holder}) uses the state {root}; end it first, or name "
                    "another directory"
                ) from error
            time.sleep(_LOOK_AGAIN_SECONDS)
        else:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            return descriptor


def _runs(process_id: str) -> bool:
    return not process_id.isdigit() or psutil.pid_exists(int(process_id))
