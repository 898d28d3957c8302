"""What is in flight, counted exactly.

The rule that makes the count exact: whoever moves a piece of work begins it at its destination before
it leaves its source. Then "nothing is in flight" can be seen without waiting "a little longer".
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class SettleTimeoutError(TimeoutError):
    """The cloud did not come to rest in time; the message names what was still going on."""


def _nothing() -> None:
    """Tell nobody."""


class Work:
    """Counts pieces of work by kind and lets callers wait until there is none.

    `changed` is called after each piece of work; whoever keeps the state puts its own there.

    Examples
    --------
    >>> work = Work()
    >>> with work.doing("invocation"):
    ...     work.in_flight()
    {'invocation': 1}
    >>> work.in_flight()
    {}
    """

    def __init__(self) -> None:
        self.changed: Callable[[], None] = _nothing
        self._changed = threading.Condition()
        self._counts: Counter[str] = Counter()
        self._begun = 0

    def begin(self, kind: str) -> None:
        """Count one piece of work; each call is matched by one `end`."""
        with self._changed:
            self._counts[kind] += 1
            self._begun += 1
            self._changed.notify_all()

    def end(self, kind: str) -> None:
        """Take one piece of work off the count."""
        with self._changed:
            self._counts[kind] -= 1
            if not self._counts[kind]:
                del self._counts[kind]
            self._changed.notify_all()
        self.changed()

    def note_change(self) -> None:
        """Have whoever waits look again: what lay there may be gone without having been worked on."""
        with self._changed:
            self._begun += 1
            self._changed.notify_all()

    @contextmanager
    def doing(self, kind: str) -> Iterator[None]:
        """Count a piece of work while the block runs."""
        self.begin(kind)
        try:
            yield
        finally:
            self.end(kind)

    def in_flight(self) -> dict[str, int]:
        """Give the counts by kind; empty when nothing is in flight."""
        with self._changed:
            return dict(self._counts)

    def wait_until_idle(self, waiting: Callable[[], str | None], timeout_seconds: float) -> None:
        """Wait until nothing is counted and nothing is waiting to be taken.

        Parameters
        ----------
        waiting
            Looks at the places work is taken from; says what lies there, or None. It may be called at any
            time and from any thread, without locks held.
        timeout_seconds
            How long to wait.

        Raises
        ------
        SettleTimeoutError
            Something was still going on.
        """
        deadline = time.monotonic() + timeout_seconds
        lying: str | None = None
        while True:
            with self._changed:
                idle = self._changed.wait_for(lambda: not self._counts, deadline - time.monotonic())
                if not idle:
                    raise SettleTimeoutError(self._complaint(timeout_seconds, lying))
                begun = self._begun
            lying = waiting()
            with self._changed:
                # Work may have been taken, done and passed on while we looked: then we saw no single moment.
                if self._begun != begun:
                    continue
                if lying is None:
                    return
                if not self._changed.wait_for(
                    lambda begun=begun: self._begun != begun,  # type: ignore[misc]
                    deadline - time.monotonic(),
                ):
                    raise SettleTimeoutError(self._complaint(timeout_seconds, lying))

    def _complaint(self, timeout_seconds: float, lying: str | None) -> str:
        running = ", ".join(f"{count} {kind}" for kind, count in sorted(self._counts.items()))
        found = "; ".join(part for part in (running and f"running: {running}", lying) if part)
        return f"the local cloud did not settle in {timeout_seconds:g} s ({found})"
