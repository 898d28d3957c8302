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

from emulator.errors import StateNotSaved

_log = logging.getLogger(__name__)

QUIET_SECONDS = 0.3
LATEST_SECONDS = 2.0
# A state so large that saving takes long is saved more rarely: for at most this share of the time.
_SHARE_OF_TIME = 1 / 3
_NICENESS = 5
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
            try:
                self._prepare()
                done = self._save_in_child()
            except (OSError, StateNotSaved) as error:
                _log.error("%s", error)
                done = True
            ended = time.monotonic()
            with self._woken:
                self._not_before = ended + (ended - began) * (1 / _SHARE_OF_TIME - 1)
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
        reader, writer = os.pipe()
        with self._still() as held:
            child = os.fork() if held else -1
        if child == 0:
            _write_and_end(self._save, writer)
        os.close(writer)
        try:
            return held and _wait_for(child, reader)
        finally:
            os.close(reader)


def _write_and_end(save: Callable[[], None], writer: int) -> None:
    """Be the child: save, tell the parent what went wrong, and end without cleaning up what is not ours."""
    try:
        gc.disable()  # it would only copy pages the parent has too
        os.nice(_NICENESS)  # requests come first
        save()
    except StateNotSaved as error:
        os.write(writer, str(error).encode()[:4096])
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent says it
        os.write(writer, f"the state was not saved: {type(error).__name__}: {error}".encode()[:4096])
    finally:
        os._exit(0)


def _wait_for(child: int, reader: int) -> bool:
    ready, _, _ = select.select([reader], [], [], _LONGEST_SAVE_SECONDS)
    if not ready:
        os.kill(child, signal.SIGKILL)
    said = (
        os.read(reader, 4096).decode(errors="replace")
        if ready
        else f"it took over {_LONGEST_SAVE_SECONDS:g} s"
    )
    os.waitpid(child, 0)
    if said:
        raise StateNotSaved(said)
    return True
