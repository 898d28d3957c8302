"""What every event source mapping does, whatever its source: sleep, look, hand batches to the invoker.

A poller is one thread that sleeps until its source changes, its batching window ends, or the cloud's
clock reaches the next thing that is due. What a source is, which batches there are and what becomes of
them is in the classes made from it.
"""

import json
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.events.clock import Clock, Timer
from emulator.events.invoker import Invoker
from emulator.events.work import Work
from emulator.runtime.model import SYNC_PAYLOAD_LIMIT_BYTES

BATCH_LIMIT_BYTES = SYNC_PAYLOAD_LIMIT_BYTES - 1024 * 1024
"""Most bytes of messages or records in a batch; the rest of the payload is their envelope."""

REPORTS_FAILURES = "ReportBatchItemFailures"

_BATCH_KIND = "batch"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """What a poller works with.

    Parameters
    ----------
    invoker
        Runs functions, and batches in its threads.
    clock
        The cloud's.
    work
        Counts batches from before they leave their source until they are dealt with.
    hurry
        Whether batching windows are cut short because somebody waits for the cloud to settle.
    may_poll
        Whether the role of a function may read from a source, both by ARN.
    """

    invoker: Invoker
    clock: Clock
    work: Work
    hurry: Callable[[], bool]
    may_poll: Callable[[str, str], bool]


class Window:
    """A batching window: it opens with the first record and ends with time, a full batch or haste."""

    def __init__(self, hurry: Callable[[], bool]) -> None:
        self._hurry = hurry
        self.ends: float | None = None

    def holds_back(self, ready: int, *, batch_size: int, seconds: float) -> bool:
        """Say whether a batch waits for more.

        Parameters
        ----------
        ready
            Records there are.
        batch_size
            Records a batch takes.
        seconds
            Length of the window, on the wall.

        Returns
        -------
        bool
            False when a batch is to be taken now; the window is closed then.
        """
        if ready == 0 or ready >= batch_size or seconds == 0 or self._hurry():
            self.ends = None
            return ready == 0
        if self.ends is None:
            self.ends = time.monotonic() + seconds
        if time.monotonic() < self.ends:
            return True
        self.ends = None
        return False


class Poller(ABC):
    """Feeds one mapping's function.

    Parameters
    ----------
    mapping
        moto's event source mapping.
    surroundings
        What it works with.
    """

    def __init__(self, mapping: Any, surroundings: Surroundings) -> None:
        self.mapping = mapping
        self._with = surroundings
        self._changed = threading.Condition()
        self._dirty = True
        self._looking = False
        self._closed = False
        self._timer: Timer | None = None
        name = f"poller {self.source_arn.split(':', 5)[5]}"
        self._thread = threading.Thread(target=self._poll, name=name, daemon=True)

    @property
    def source_arn(self) -> str:
        """What it reads from."""
        return str(self.mapping.event_source_arn)

    @property
    def is_enabled(self) -> bool:
        """Whether it takes anything at present."""
        return (
            self.mapping.enabled not in (False, "false")
            and not self._closed
            and self._with.may_poll(self.mapping.function_arn, self.source_arn)
        )

    @abstractmethod
    def ready(self) -> int:
        """Count messages or records it would take now."""

    @abstractmethod
    def _take(self) -> None:
        """Take every batch that can be taken now."""

    @abstractmethod
    def _window_ends(self) -> float | None:
        """Tell when, on `time.monotonic`, the next batching window ends."""

    @abstractmethod
    def _next_due(self) -> datetime | None:
        """Tell when, on the cloud's clock, something becomes ready by itself."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Have the poller look at its source."""
        with self._changed:
            self._dirty = True
            self._changed.notify_all()

    def hasten(self) -> None:
        """Have an open window end, and what lies there looked at: its role may be allowed more now."""
        if self._window_ends() is not None or self.ready():
            self.wake()

    def waiting(self) -> str | None:
        """Say what it has not dealt with yet, or None: then its next look waits for a change or the clock."""
        with self._changed:
            if not self._closed and (self._dirty or self._looking):
                return f"a look at {self.source_arn}"
        count = self.ready()
        return f"{count} to be taken from {self.source_arn}" if count else None

    def close(self) -> None:
        """Take nothing more; batches being handled go on."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self) -> None:
        self._with.work.begin(_BATCH_KIND)

    def _end(self) -> None:
        self._with.work.end(_BATCH_KIND)

    def _hand_over(self, handle: Callable[[], None]) -> None:
        """Have a batch handled that has begun; it ends, and the poller looks again, however it goes."""

        def handle_and_end() -> None:
            try:
                handle()
            finally:
                self.wake()
                self._end()

        self._with.invoker.submit(handle_and_end)

    def _poll(self) -> None:
        while True:
            with self._changed:
                ends = self._window_ends()
                wait_seconds = None if ends is None else max(ends - time.monotonic(), 0.0)
                self._changed.wait_for(lambda: self._dirty or self._closed, wait_seconds)
                if self._closed:
                    return
                self._dirty, self._looking = False, True
            try:
                self._take()
                self._plan_wake_up()
            except Exception:  # noqa: BLE001  a poller that dies would leave its source for ever
                _log.exception("the poller of %s stumbled", self.source_arn)
            finally:
                self._looking = False
                self._with.work.note_change()

    def _plan_wake_up(self) -> None:
        due = self._next_due()
        if self._timer is not None:
            if self._timer.due == due:
                return
            self._timer.cancel()
        self._timer = None if due is None else self._wake_at(due)

    def _wake_at(self, due: datetime) -> Timer:
        def wake() -> None:
            self._timer = None
            self.wake()

        what = f"what waits in {self.source_arn}"
        return self._with.clock.call_at(due, wake, order=self.source_arn, what=what)


def reported_failures(payload: bytes, known: set[str]) -> set[str]:
    """Read a partial batch response; one that cannot be trusted fails the whole batch, as in AWS.

    Parameters
    ----------
    payload
        What the function answered.
    known
        Identifiers of the batch.

    Returns
    -------
    set of str
        Identifiers that failed.

    Examples
    --------
    >>> sorted(reported_failures(b'{"batchItemFailures": [{"itemIdentifier": "b"}]}', {"a", "b"}))
    ['b']
    >>> reported_failures(b"null", {"a", "b"})
    set()
    >>> sorted(reported_failures(b'{"batchItemFailures": [{"itemIdentifier": "x"}]}', {"a", "b"}))
    ['a', 'b']
    """
    try:
        answer = json.loads(payload or b"null")
        if not answer or not answer.get("batchItemFailures"):
            return set()
        failed = {entry["itemIdentifier"] for entry in answer["batchItemFailures"]}
    except (ValueError, AttributeError, KeyError, TypeError):
        return known
    return known if failed - known else failed
