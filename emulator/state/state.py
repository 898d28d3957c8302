"""The state of one local cloud, put together: what its composition root makes when a directory is named."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from moto.core.base_backend import backend_lock
from moto.stepfunctions.parser.backend.execution import Execution

from emulator.events.hooks import Hooks
from emulator.state import objects, restart, snapshot
from emulator.state.backends import kept_backends, services_left_out
from emulator.state.directory import StateDirectory
from emulator.state.keeper import Keeper
from emulator.state.own import OwnState
from emulator.state.snapshot import Place

_log = logging.getLogger(__name__)

_STILL_SECONDS = 0.5


class Lock(Protocol):
    """What is held while the picture is taken."""

    def acquire(self, blocking: bool = ..., timeout: float = ...) -> bool:  # noqa: FBT001 - the standard library's
        """Take it, or give up after a time."""

    def release(self) -> None:
        """Give it back."""


class State:
    """Keeps a local cloud's state in a directory.

    Parameters
    ----------
    root
        The directory; made when missing.
    """

    def __init__(self, root: Path) -> None:
        self._directory = StateDirectory(root)
        self._keeper: Keeper | None = None
        self._own: OwnState | None = None
        self._interrupted: list[Execution] = []
        self._request_locks: tuple[Lock, ...] = ()
        self._told: set[str] = set()

    def port_for(self, asked: int) -> int:
        """Choose the port: where any free one would do, the one the state was made on.

        Parameters
        ----------
        asked
            The port asked for; 0 means any.

        Returns
        -------
        int
            The port to listen on.
        """
        return asked or snapshot.saved_port(self._directory) or 0

    def install(self, hooks: Hooks) -> None:
        """Have object bytes go to the directory.

        Parameters
        ----------
        hooks
            Remembers what was replaced.
        """
        objects.install(hooks, self._directory.blobs)

    def load(self, own: OwnState, place: Place) -> None:
        """Take up what was saved, tell it what the restart ended, and be ready to save.

        Parameters
        ----------
        own
            The emulator's own state.
        place
            Region and port of this run.

        Raises
        ------
        StateRefused
            It cannot be used; nothing was changed.
        """
        self._own = own
        saved = snapshot.load(self._directory, place)
        if saved is not None:
            own.take_up(saved)
            restart.abort_running_executions(own.clock.now())
            restart.show_messages_in_flight()
        self._keeper = Keeper(
            save=lambda: snapshot.save(self._directory, place, own.read),
            prepare=self._prepare,
            still=lambda: _still(self._locks()),
        )

    def begin(self, locks: Iterable[Lock]) -> None:
        """Have go on what can, and save after changes from now on.

        Parameters
        ----------
        locks
            Held by requests while they change more than one thing.
        """
        self._request_locks = tuple(locks)
        if self._own and self._keeper:
            self._own.resume()
            self._keeper.start()

    def note(self) -> None:
        """Say that something changed."""
        if self._keeper:
            self._keeper.note()

    def holding(self) -> AbstractContextManager[None]:
        """Save nothing while a block runs."""
        return self._keeper.holding() if self._keeper else ExitStack()  # type: ignore[return-value]

    def interrupt(self) -> None:
        """Stop what runs: the first step of the end."""
        if self._own:
            self._own.interrupt()
            self._interrupted = restart.stop_running_executions(self._own.clock.now())

    def end(self) -> None:
        """Save a last time, when nothing moves any more, and let go of the directory.

        Raises
        ------
        StateNotSaved
            It could not be written.
        """
        try:
            if self._own and self._keeper:
                restart.abort(self._interrupted, self._own.clock.now())
                self._prepare()
                self._keeper.close()
        finally:
            self._directory.close()

    def _prepare(self) -> None:
        """Have large bytes on the disk, and say what is not going to be there."""
        self._directory.blobs.sync()
        for service in services_left_out():
            if service not in self._told:
                self._told.add(service)
                _log.warning("what is made in %s is not kept: --state does not cover that service", service)

    def _locks(self) -> list[Lock]:
        queues = [
            queue._messages_lock  # noqa: SLF001 - moto's own lock of the queue
            for kept in kept_backends()
            if kept.key[0] == "sqs"
            for queue in list(kept.backend.queues.values())  # type: ignore[attr-defined]
        ]
        return [*self._request_locks, *queues, backend_lock, self._directory.blobs.lock]


@contextmanager
def _still(locks: list[Lock]) -> Iterator[bool]:
    """Hold all locks, or none when one is not to be had in time: its holder may wait for another of them."""
    end = time.monotonic() + _STILL_SECONDS
    with ExitStack() as held:
        for lock in locks:
            if not lock.acquire(timeout=max(end - time.monotonic(), 0.0)):
                held.close()
                yield False
                return
            held.callback(lock.release)
        yield True
