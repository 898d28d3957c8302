"""When the state is saved: soon after a change, in a moment when nothing is half done, and at the end.

A save is a fork: the child is a still picture of the whole process and writes it down while the parent goes
on. Requests wait for the fork alone, some milliseconds, whatever the size of the state.
"""

import gc
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO, NoReturn

from emulator.errors import StateNotSaved

_log = logging.getLogger(__name__)

QUIET_SECONDS = 0.3
LATEST_SECONDS = 2.0
RETRY_SECONDS = 10.0
# A state so large that saving takes long is saved more rarely: for at most this share of the time.
_SHARE_OF_TIME = 1 / 3
_NICENESS = 5
_MESSAGE_BYTES = 4096
_LONGEST_SAVE_SECONDS = 300.0

Still = Callable[[], AbstractContextManager[bool]]
"""Holds what changes the state where it is; gives False when that took too long."""


class Keeper:
    """Saves when told of changes, from `start` until `close`.

    Parameters
    ----------
    save
        Writes the state.
    prepare
        Does what need not be done by the child.
    still
        Keeps everything from changing while the fork is made.
    """

    def __init__(self, *, save: Callable[[], None], prepare: Callable[[], None], still: Still) -> None:
        self._save = save
        self._prepare = prepare
        self._still = still
        self._woken = threading.Condition()
        self._changed_first: float | None = None
        self._changed_last = 0.0
        self._not_before = 0.0
        self._held = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="state keeper", daemon=True)

    def start(self) -> None:
        """Begin to save after changes."""
        self._thread.start()

    def note(self) -> None:
        """Say that something changed."""
        with self._woken:
            self._changed_last = time.monotonic()
            if self._changed_first is None:
                self._changed_first = self._changed_last
                self._woken.notify_all()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Save nothing while the block runs: what it makes belongs together."""
        with self._woken:
            self._held += 1
        try:
            yield
        finally:
            with self._woken:
                self._held -= 1
                self._woken.notify_all()
            self.note()

    def close(self) -> None:
        """Save a last time; nothing may change the state any more.

        Raises
        ------
        StateNotSaved
            It could not be written.
        """
        with self._woken:
            self._closed = True
            self._woken.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        self._save()

    def _run(self) -> None:
        while self._wait_for_a_moment():
            began = time.monotonic()
            pause_seconds = 0.0
            try:
                self._prepare()
                done = self._save_in_child()
            except (OSError, StateNotSaved) as error:
                _log.error("%s", error)
                done, pause_seconds = False, RETRY_SECONDS
            ended = time.monotonic()
            with self._woken:
                pause_seconds = max(pause_seconds, (ended - began) * (1 / _SHARE_OF_TIME - 1))
                self._not_before = ended + pause_seconds
                if not done:
                    self._changed_first = self._changed_first or ended

    def _wait_for_a_moment(self) -> bool:
        """Wait until something changed and nothing changes any more, or too long ago; False at the end."""
        with self._woken:
            while not self._closed:
                if self._changed_first is None or self._held:
                    self._woken.wait()
                    continue
                due = min(self._changed_last + QUIET_SECONDS, self._changed_first + LATEST_SECONDS)
                left = max(due, self._not_before) - time.monotonic()
                if left <= 0:
                    self._changed_first = None
                    return True
                self._woken.wait(left)
        return False

    def _save_in_child(self) -> bool:
        """Save in a fork; False when what has to be still would not be."""
        with _pipe() as (reader, writer):
            with self._still() as held:
                if not held:
                    return False
                child = os.fork()
            if child == 0:
                _write_and_end(self._save, writer.fileno())
            writer.close()
            _wait_for(child, reader)
        return True


@contextmanager
def _pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as reader, os.fdopen(writing, "wb", buffering=0) as writer:
        yield reader, writer


def _write_and_end(save: Callable[[], None], writer: int) -> NoReturn:
    """Be the child: save, tell the parent what went wrong, and end without cleaning up what is not ours."""
    status = 1
    try:
        gc.disable()  # it would only copy pages the parent has too
        os.nice(_NICENESS)  # requests come first
        save()
        status = 0
    except StateNotSaved as error:
        os.write(writer, str(error).encode()[:_MESSAGE_BYTES])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent says it
        os.write(writer, f"the state was not saved: {error!r}".encode()[:_MESSAGE_BYTES])
    finally:
        os._exit(status)


def _wait_for(child: int, reader: BinaryIO) -> None:
    ready, _, _ = select.select([reader], [], [], _LONGEST_SAVE_SECONDS)
    if not ready:
        os.kill(child, signal.SIGKILL)
    said = reader.read(_MESSAGE_BYTES).decode(errors="replace") if ready else ""
    _, status = os.waitpid(child, 0)
    if status:
        raise StateNotSaved(said or f"the state was not saved: the process that wrote it ended with {status}")
