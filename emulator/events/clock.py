"""The cloud's clock: the wall's, one that stands until it is moved, or one that runs from another moment.

Everything that waits for a time waits here as a timer: schedules, visibility timeouts, delayed messages,
asynchronous retries, states of state machines. While time passes by itself, a thread fires timers as they
fall due. An advance fires them one by one in time order, sets the clock to each one's time, and lets the
cloud settle before the next: a run is the same every time, and a quarter of daily schedules takes seconds.
"""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

_log = logging.getLogger(__name__)

Mode = Literal["wall", "frozen", "running"]


class Timer:
    """Something to be done at a time, until cancelled; `what` says in a few words what that is."""

    def __init__(self, due: datetime, action: Callable[[], None], what: str) -> None:
        self.due = due
        self.action = action
        self.what = what
        self.cancelled = False

    def cancel(self) -> None:
        """Make sure that nothing happens any more."""
        self.cancelled = True


def _nothing() -> None:
    """Do nothing: a clock alone has nothing to settle."""


class Clock:
    """Tells the time and fires timers.

    `settle` is called after each timer that an advance fires; the router puts its own there.

    Examples
    --------
    >>> clock = Clock()
    >>> clock.set(datetime(2013, 1, 1, tzinfo=UTC))
    >>> timer = clock.call_at(datetime(2013, 1, 2, tzinfo=UTC), lambda: print(clock.now().day), what="print")
    >>> clock.next_timer().what
    'print'
    >>> clock.advance_to(datetime(2013, 1, 5, tzinfo=UTC))
    2
    ['print']
    >>> clock.now().day, clock.mode
    (5, 'frozen')
    """

    def __init__(self) -> None:
        self.settle: Callable[[], None] = _nothing
        self._changed = threading.Condition()
        self._advancing = threading.Lock()
        self._frozen: datetime | None = None
        self._ahead = timedelta(0)
        self._timers: list[tuple[datetime, str, int, Timer]] = []
        self._numbers = itertools.count()
        self._on_set: list[Callable[[], None]] = []
        self._ticker: threading.Thread | None = None
        self._closed = False

    @property
    def mode(self) -> Mode:
        """`wall`, `frozen` (moves only when told) or `running` (at the wall's pace, from another moment)."""
        if self._frozen is not None:
            return "frozen"
        return "running" if self._ahead else "wall"

    def now(self) -> datetime:
        """Tell the time, in UTC."""
        return self._frozen or datetime.now(UTC) + self._ahead

    def epoch_seconds(self) -> float:
        """Tell the time in seconds since 1970."""
        return self.now().timestamp()

    def set(self, moment: datetime) -> None:
        """Freeze at a moment, without firing what lies between.

        Parameters
        ----------
        moment
            With a time zone; once the clock has left the wall, not before `now`.

        Raises
        ------
        ValueError
            The moment has no time zone, or lies before a clock that has left the wall.
        """
        with self._advancing:
            _check(moment, None if self.mode == "wall" else self.now())
            self._freeze_at(moment)
            for listener in self._on_set:
                listener()

    def freeze(self) -> None:
        """Let time stand still where it is."""
        with self._advancing:
            self._freeze_at(self.now())

    def run(self) -> None:
        """Let time pass by itself from where it stands, at the wall's pace; a wall clock goes on as it is."""
        with self._advancing:
            self._run()

    def advance_to(self, moment: datetime) -> list[str]:
        """Let time pass at once: fire what falls due in order, settling after each.

        A wall clock is frozen by this, at `moment`; a running one runs on from there.

        Parameters
        ----------
        moment
            With a time zone, not before `now`.

        Returns
        -------
        list of str
            What fired, in order.

        Raises
        ------
        ValueError
            The moment has no time zone, or lies in the past.
        """
        with self._advancing:
            _check(moment, self.now())
            return self._advance(moment)

    def advance_to_next(self) -> list[str]:
        """Let time pass until something falls due, and fire all that is due at that moment.

        Returns
        -------
        list of str
            What fired, in order; without any timer nothing does, and time stays where it is.
        """
        with self._advancing:
            timer = self.next_timer()
            return [] if timer is None else self._advance(max(timer.due, self.now()))

    def next_timer(self) -> Timer | None:
        """Give the timer that fires next, or None when nothing waits for the clock."""
        with self._changed:
            while self._timers and self._timers[0][-1].cancelled:
                heapq.heappop(self._timers)
            return self._timers[0][-1] if self._timers else None

    def call_at(self, due: datetime, action: Callable[[], None], *, what: str, order: str = "") -> Timer:
        """Have `action` called once when the time comes.

        Parameters
        ----------
        due
            When; the past means at the next opportunity.
        action
            Short: long work is handed to others.
        what
            What that is, in a few words for people.
        order
            Decides between timers of the same time; equal ones fire in the order they were set.

        Returns
        -------
        Timer
            Can be cancelled.
        """
        timer = Timer(due, action, what)
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

    def _advance(self, moment: datetime) -> list[str]:
        runs_on = self.mode == "running"
        self._freeze_at(min(self.now(), moment))
        fired: list[str] = []
        self.settle()
        while (timer := self._pop_due(moment)) is not None:
            if timer.due > self.now():
                self._freeze_at(timer.due)
            timer.action()
            fired.append(timer.what)
            self.settle()
        self._freeze_at(moment)
        if runs_on:
            self._run()
        return fired

    def _freeze_at(self, moment: datetime) -> None:
        with self._changed:
            self._frozen = moment.astimezone(UTC)
            self._changed.notify_all()

    def _run(self) -> None:
        with self._changed:
            if self._frozen is not None:
                self._ahead = self._frozen - datetime.now(UTC)
                self._frozen = None
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
                if self._frozen is None and self._timers:
                    wait_seconds = (self._timers[0][0] - self.now()).total_seconds()
                if wait_seconds is None or wait_seconds > 0:
                    # A sleep of years overflows the platform's timers; an hour's wake-up costs nothing.
                    self._changed.wait(None if wait_seconds is None else min(wait_seconds, 3600.0))
                    continue
                timer = self._pop_due(self.now())
            if timer is not None:
                try:
                    timer.action()
                except Exception:  # noqa: BLE001  one schedule that fails must not stop all the others
                    _log.exception("what was due at %s failed: %s", timer.due.isoformat(), timer.what)


def _check(moment: datetime, earliest: datetime | None) -> None:
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment.isoformat()} has no time zone; write it in UTC with a Z")
    if earliest is not None and moment < earliest:
        raise ValueError(
            f"the clock stands at {earliest.isoformat()} and does not go back to "
            f"{moment.isoformat()}; start a new cloud for an earlier time"
        )
