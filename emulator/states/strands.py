"""Threads of executions that wait on the cloud's clock, and are not in flight while they wait.

moto's interpreter runs an execution as many threads: one per program, branch, iteration and task. They wait
for each other, for callbacks and for time to pass with `threading`'s primitives. Those here take their place:

- a strand is counted as work from before it starts until it has ended, except while it waits;
- what wakes a strand counts it again first, so that the cloud never looks idle in between;
- a wait that ends by time is a timer on the cloud's clock;
- when an execution ends, each of its strands that waits, or writes history, is `Interrupted`.
"""

import itertools
import threading
import weakref
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from emulator.events.clock import Clock, Timer
from emulator.events.work import Work

_KIND = "execution"
_FOREVER_SECONDS = 99_999_999
"""What AWS, and moto, write for a task or machine without a timeout."""


class Interrupted(BaseException):
    """The execution of this strand has ended: no error, so that no `except Exception` takes it for one."""


class Run:
    """The strands of one execution.

    Parameters
    ----------
    number
        Orders executions that wake at the same time.
    label
        What people call the execution.
    worker
        What runs it.
    """

    def __init__(self, number: int, label: str, worker: Any) -> None:
        self.number = number
        self.label = label
        self.worker = worker
        self.lock = threading.RLock()
        self.ended = False
        self._waits: set[_Wait] = set()

    def check(self) -> None:
        """Raise `Interrupted` when the execution has ended."""
        if self.ended:
            raise Interrupted

    def end(self) -> None:
        """Interrupt every strand: those that wait at once, others when they next wait or write history."""
        with self.lock:
            self.ended = True
            waits, self._waits = self._waits, set()
        for wait in waits:
            wait.wake(timed_out=False)

    def add(self, wait: "_Wait") -> None:
        """Note that a strand is about to wait."""
        with self.lock:
            self.check()
            self._waits.add(wait)

    def discard(self, wait: "_Wait") -> None:
        """Note that a strand waits no more."""
        with self.lock:
            self._waits.discard(wait)


class _Wait:
    """One strand, waiting."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._over = False
        self.timed_out = False

    def wake(self, *, timed_out: bool) -> None:
        """Count the strand as work again and let it go on; only the first caller does anything."""
        with self._lock:
            if self._over:
                return
            self._over = True
        self.timed_out = timed_out
        self._work.begin(_KIND)
        self._woken.set()

    def withdraw(self) -> None:
        """Do not wait after all: the strand never stopped being counted."""
        with self._lock:
            woken, self._over = self._over, True
        if woken:
            self._work.end(_KIND)

    def block(self) -> None:
        """Wait until woken, uncounted."""
        self._work.end(_KIND)
        self._woken.wait()


class Strands:
    """Makes threads and signals for moto's interpreter.

    Parameters
    ----------
    clock
        Where waits that end by time are timers.
    work
        Counts strands that do not wait.
    """

    def __init__(self, *, clock: Clock, work: Work) -> None:
        self.clock = clock
        self.work = work
        self._numbers = itertools.count(1)
        self._local = threading.local()
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()

    def new_run(self, label: str, worker: Any) -> Run:
        """Give a new execution its number.

        Parameters
        ----------
        label
            What people call it.
        worker
            What runs it.

        Returns
        -------
        Run
            Without any strand yet.
        """
        run = Run(next(self._numbers), label, worker)
        self._runs.add(run)
        return run

    def close(self) -> None:
        """Interrupt whatever still waits: no thread outlives its cloud."""
        for run in list(self._runs):
            run.end()

    def current(self) -> "Strand | None":
        """Give the strand this is called in; None in any other thread."""
        return getattr(self._local, "strand", None)

    def enter(self, strand: "Strand") -> None:
        """Note which strand this thread is."""
        self._local.strand = strand

    def pause(self, seconds: float, what: str) -> None:
        """Wait until time has passed on the cloud's clock.

        Parameters
        ----------
        seconds
            How much.
        what
            What happens then, in a few words.
        """
        Signal(self, what).wait(seconds)


class Signal:
    """`threading.Event` for strands: who waits is not in flight, and its timeout is the cloud clock's.

    Parameters
    ----------
    strands
        Whose they are.
    what
        What a timeout means, in a few words.
    """

    def __init__(self, strands: Strands, what: str) -> None:
        self._strands = strands
        self._what = what
        self._lock = threading.Lock()
        self._set = False
        self._waits: list[_Wait] = []

    def is_set(self) -> bool:
        """Tell whether it was set, and not cleared since."""
        return self._set

    def clear(self) -> None:
        """Have the next `wait` wait."""
        self._set = False

    def set(self) -> None:
        """Wake all that wait."""
        with self._lock:
            self._set = True
            waits, self._waits = self._waits, []
        for wait in waits:
            wait.wake(timed_out=False)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set.

        Parameters
        ----------
        timeout
            Longest wait in seconds of the cloud's clock.

        Returns
        -------
        bool
            Whether it was set in time.

        Raises
        ------
        Interrupted
            The strand's execution has ended.
        RuntimeError
            No strand called.
        """
        strand = self._strands.current()
        if strand is None:
            raise RuntimeError(f"the thread {threading.current_thread().name} is no strand of an execution")
        with self._lock:
            if self._set:
                return True
            wait = _Wait(self._strands.work)
            self._waits.append(wait)
        timer = self._timer(strand, wait, timeout)
        try:
            self._join(strand.of, wait)
            wait.block()
            strand.of.check()
        finally:
            if timer is not None:
                timer.cancel()
            strand.of.discard(wait)
            with self._lock:
                if wait in self._waits:
                    self._waits.remove(wait)
        return not wait.timed_out

    @staticmethod
    def _join(run: Run, wait: _Wait) -> None:
        try:
            run.add(wait)
        except Interrupted:
            wait.withdraw()
            raise

    def _timer(self, strand: "Strand", wait: _Wait, timeout: float | None) -> Timer | None:
        if timeout is None or timeout >= _FOREVER_SECONDS:
            return None
        return self._strands.clock.call_at(
            self._strands.clock.now() + timedelta(seconds=timeout),
            lambda: wait.wake(timed_out=True),
            what=f"{self._what} of {strand.of.label}",
            order=f"{_KIND} {strand.of.number:09d} {strand.path}",
        )


class Strand(threading.Thread):
    """A thread of an execution.

    Parameters
    ----------
    strands
        Whose it is.
    target, args
        What it does.
    run
        Its execution; without one it is that of the strand which makes this one.
    what
        What it means when a `join` times out, in a few words.
    """

    def __init__(
        self,
        strands: Strands,
        *,
        target: Callable[..., object],
        args: tuple[Any, ...] = (),
        run: Run | None = None,
        what: str = "end",
        **_thread: Any,
    ) -> None:
        super().__init__(target=target, args=args, daemon=True)
        parent = strands.current()
        if run is None:
            if parent is None:
                raise RuntimeError("a strand belongs to an execution: start it in one")
            run = parent.of
        self.of: Run = run
        self.path: str = f"{parent.path}.{next(parent.children):05d}" if parent and parent.of is run else "0"
        self.children: Iterator[int] = itertools.count()
        self._strands = strands
        self._done = Signal(strands, what)

    def start(self) -> None:
        """Start, counted."""
        self._strands.work.begin(_KIND)
        super().start()

    def run(self) -> None:
        """Do the work, until it is done or the execution has ended."""
        self._strands.enter(self)
        try:
            super().run()
        except Interrupted:
            return
        finally:
            self._done.set()
            self._strands.work.end(_KIND)

    def join(self, timeout: float | None = None) -> None:
        """Wait for it, in another strand, for so many seconds of the cloud's clock."""
        self._done.wait(timeout)

    def is_alive(self) -> bool:
        """Tell whether it has not ended."""
        return not self._done.is_set()


class Ends:
    """Lets strands wait until some execution has ended, without missing an end between two looks.

    Parameters
    ----------
    strands
        Whose they are.
    """

    def __init__(self, strands: Strands) -> None:
        self._strands = strands
        self._lock = threading.Lock()
        self._count = 0
        self._next = Signal(strands, "end")
        self._local = threading.local()

    def note(self) -> None:
        """Wake all that wait: an execution has ended."""
        with self._lock:
            self._count += 1
            ended, self._next = self._next, Signal(self._strands, "end")
        ended.set()

    def sleep(self, _seconds: float) -> None:
        """Wait until an execution ends that had not when this thread last slept; then it looks again.

        A thread's first call returns at once: an execution may have ended since it looked.
        """
        with self._lock:
            count, upcoming = self._count, self._next
        if getattr(self._local, "seen", None) == count:
            upcoming.wait()
            count = self._count
        self._local.seen = count
