"""The cloud's clock: the wall's, or a virtual one that moves only when told.

Everything that waits for a time waits here as a timer: schedules, visibility timeouts, delayed messages,
asynchronous retries. On the wall a thread fires timers as they fall due. In virtual mode `advance_to`
fires them one by one in time order, sets the clock to each one's time, and lets the cloud settle before
the next: a run is the same every time, and a quarter of daily schedules takes seconds.
"""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

_log = logging.getLogger(__name__)

Mode = Literal["wall", "virtual"]


class Timer:
    """Something to be done at a time, until cancelled."""

    def __init__(self, due: datetime, action: Callable[[], None]) -> None:
        self.due = due
        self.action = action
        self.cancelled = False

    def cancel(self) -> None:
        """Make sure that nothing happens any more."""
        self.cancelled = True


def _nothing() -> None:
    """Do nothing: a clock alone has nothing to settle."""


class Clock:
    """Tells the time and fires timers.

    `settle` is called after each timer that `advance_to` fires; the router puts its own there.

    Examples
    --------
    >>> clock = Clock()
    >>> clock.set(datetime(2013, 1, 1, tzinfo=UTC))
    >>> timer = clock.call_at(datetime(2013, 1, 2, tzinfo=UTC), lambda: print("day", clock.now().day))
    >>> clock.advance_to(datetime(2013, 1, 5, tzinfo=UTC))
    day 2
    >>> clock.now().day, clock.mode
    (5, 'virtual')
    """

    def __init__(self) -> None:
        self.settle: Callable[[], None] = _nothing
        self._changed = threading.Condition()
        self._advancing = threading.Lock()
        self._virtual: datetime | None = None
        self._timers: list[tuple[datetime, str, int, Timer]] = []
        self._numbers = itertools.count()
        self._on_set: list[Callable[[], None]] = []
        self._ticker: threading.Thread | None = None
        self._closed = False

    @property
    def mode(self) -> Mode:
        """`wall` or `virtual`."""
        return "wall" if self._virtual is None else "virtual"

    def now(self) -> datetime:
        """Tell the time, in UTC."""
        return self._virtual or datetime.now(UTC)

    def epoch_seconds(self) -> float:
        """Tell the time in seconds since 1970."""
        return self.now().timestamp()

    def set(self, moment: datetime) -> None:
        """Go to virtual mode, or forward in it, without firing what lies between.

        Parameters
        ----------
        moment
            With a time zone.

        Raises
        ------
        ValueError
            The moment has no time zone, or lies before the virtual clock.
        """
        with self._advancing:
            self._move(moment)
            for listener in self._on_set:
                listener()

    def advance_to(self, moment: datetime) -> None:
        """Let virtual time pass: fire what falls due in order, settling after each.

        On a wall clock this stops the wall: virtual time goes on from the present.

        Parameters
        ----------
        moment
            With a time zone, not before `now`.

        Raises
        ------
        ValueError
            The moment has no time zone, or lies in the past.
        """
        with self._advancing:
            if self._virtual is None:
                self._move(datetime.now(UTC))
            _check(moment, self.now())
            self.settle()
            while (timer := self._pop_due(moment)) is not None:
                if timer.due > self.now():
                    self._move(timer.due)
                timer.action()
                self.settle()
            self._move(moment)

    def call_at(self, due: datetime, action: Callable[[], None], *, order: str = "") -> Timer:
        """Have `action` called once when the time comes.

        Parameters
        ----------
        due
            When; the past means at the next opportunity.
        action
            Short: long work is handed to others.
        order
            Decides between timers of the same time; equal ones fire in the order they were set.

        Returns
        -------
        Timer
            Can be cancelled.
        """
        timer = Timer(due, action)
        with self._changed:
            heapq.heappush(self._timers, (due, order, next(self._numbers), timer))
            if self._ticker is None and not self._closed:
                self._ticker = threading.Thread(target=self._tick, name="clock", daemon=True)
                self._ticker.start()
            self._changed.notify_all()
        return timer

    def on_set(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after each `set`: time jumped, and plans made before no longer hold."""
        self._on_set.append(listener)

    def close(self) -> None:
        """Stop the thread; nothing fires any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._ticker is not None and self._ticker is not threading.current_thread():
            self._ticker.join()

    def _move(self, moment: datetime) -> None:
        with self._changed:
            _check(moment, self._virtual)
            self._virtual = moment.astimezone(UTC)
            self._changed.notify_all()

    def _pop_due(self, until: datetime) -> Timer | None:
        with self._changed:
            while self._timers and self._timers[0][0] <= until:
                timer = heapq.heappop(self._timers)[-1]
                if not timer.cancelled:
                    return timer
        return None

    def _tick(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                wait_seconds: float | None = None
                if self._virtual is None and self._timers:
                    wait_seconds = (self._timers[0][0] - datetime.now(UTC)).total_seconds()
                if wait_seconds is None or wait_seconds > 0:
                    # A sleep of years overflows the platform's timers; an hour's wake-up costs nothing.
                    self._changed.wait(None if wait_seconds is None else min(wait_seconds, 3600.0))
                    continue
            timer = self._pop_due(datetime.now(UTC))
            if timer is not None:
                try:
                    timer.action()
                except Exception:  # noqa: BLE001  one schedule that fails must not stop all the others
                    _log.exception("what was due at %s failed", timer.due.isoformat())


def _check(moment: datetime, earliest: datetime | None) -> None:
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment.isoformat()} has no time zone; write it in UTC with a Z")
    if earliest is not None and moment < earliest:
        raise ValueError(
            f"the virtual clock stands at {earliest.isoformat()} and does not go back to "
            f"{moment.isoformat()}; start a new cloud for an earlier time"
        )
