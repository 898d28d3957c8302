"""The state of one local cloud, put together: what its composition root makes when a directory is named."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from moto.core.base_backend import backend_lock

from emulator.deploy.assets import AssetSources
from emulator.events.clock import Clock, Mode
from emulator.events.hooks import Hooks
from emulator.resources.base import Services
from emulator.resources.coverage import RESOURCE_TYPES
from emulator.state import objects, restart, snapshot
from emulator.state.backends import kept_backends
from emulator.state.directory import StateDirectory
from emulator.state.keeper import Keeper

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
        self._interrupted: list[Any] = []
        self._now: Callable[[], datetime] = datetime.now

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
        """Have object bytes go to the directory, and stacks be saved whole.

        Parameters
        ----------
        hooks
            Remembers what was replaced.
        """
        objects.install(hooks, self._directory.blobs)

    def load(self, *, services: Services, clock: Clock, sources: AssetSources, port: int) -> None:
        """Take up what was saved, tell it what the restart ended, and be ready to save.

        Parameters
        ----------
        services
            What stacks' resources refer to.
        clock
            Goes on where it stood, if it was a virtual one.
        sources
            Told where assets came from.
        port
            The server's.
        """
        place = snapshot.Place(services.region, port)
        self._now = clock.now
        shared = {"services": services, **{f"type {name}": kind for name, kind in RESOURCE_TYPES.items()}}
        parts = snapshot.Parts(
            shared, lambda: {"clock": (clock.mode, clock.now()), "assets": sources.known()}
        )
        saved = snapshot.load(self._directory, place, parts)
        if saved is not None:
            for (bucket, key), origin in saved["assets"].items():
                if origin.is_dir():
                    sources.remember(bucket, key, origin)
            _set(clock, *saved["clock"])
            restart.abort_running_executions(self._now())
            restart.show_messages_in_flight()
        self._keeper = Keeper(
            save=lambda: snapshot.save(self._directory, place, parts),
            sync=self._directory.blobs.sync,
            still=lambda: _still(self._locks()),
        )

    def begin(self, locks: Iterable[Lock]) -> None:
        """Save after changes from now on.

        Parameters
        ----------
        locks
            Held by requests while they change more than one thing.
        """
        self._request_locks = tuple(locks)
        if self._keeper:
            self._keeper.start()

    def note(self) -> None:
        """Say that something changed."""
        if self._keeper:
            self._keeper.note()

    def holding(self) -> AbstractContextManager[None]:
        """Save nothing while a block runs."""
        return self._keeper.holding() if self._keeper else ExitStack()  # type: ignore[return-value]

    def interrupt(self) -> None:
        """Abort what runs: the first step of the end."""
        self._interrupted = restart.stop_running_executions(self._now())

    def end(self) -> None:
        """Save a last time, when nothing moves any more, and let go of the directory.

        Raises
        ------
        StateNotSaved
            It could not be written.
        """
        try:
            if self._keeper:
                restart.abort(self._interrupted, self._now())
                self._keeper.close()
        finally:
            self._directory.close()

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


def _set(clock: Clock, mode: Mode, moment: datetime) -> None:
    """Have a clock that had left the wall go on where it stood: no time passes between runs."""
    if mode != "wall":
        clock.set(moment)
    if mode == "running":
        clock.run()
