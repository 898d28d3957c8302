"""Waiting for rest is exact: it ends when nothing is left, and not before."""

import threading
from collections.abc import Callable

import pytest

from emulator.events.work import SettleTimeoutError, Work


def nothing() -> str | None:
    """Say that nothing lies anywhere."""
    return None


def test_timeout_names_what_is_going_on() -> None:
    work = Work()
    work.begin("execution")
    with pytest.raises(SettleTimeoutError, match=r"did not settle in 0\.01 s \(running: 1 execution\)"):
        work.wait_until_idle(nothing, 0.01)
    work.end("execution")
    with pytest.raises(SettleTimeoutError, match="2 messages in q"):
        work.wait_until_idle(lambda: "2 messages in q", 0.01)


def test_work_that_moves_between_the_looks_is_never_missed() -> None:
    """A message is taken after the count was read and before its queue was looked at."""
    work = Work()
    finished = threading.Event()
    stages: list[Callable[[], None]] = []

    def take_and_pass_on() -> None:
        with work.doing("batch"):
            pass
        stages.append(finish)
        work.begin("execution")

    def finish() -> None:
        finished.set()
        work.end("execution")

    stages.append(take_and_pass_on)

    def waiting() -> str | None:
        if stages:
            thread = threading.Thread(target=stages.pop())
            thread.start()
            thread.join()
        return None

    with pytest.raises(SettleTimeoutError, match="1 execution"):
        work.wait_until_idle(waiting, 0.05)
    assert not finished.is_set()
    finish()
    work.wait_until_idle(nothing, 1)


def test_chain_of_work_over_many_threads_is_waited_for_to_its_end() -> None:
    work = Work()
    done: list[int] = []
    lock = threading.Lock()
    left = [2000]

    def pass_on() -> None:
        with lock:
            left[0] -= 1
            more = left[0] > 0
        if more:
            work.begin("event")  # at its destination, before it leaves its source
            threading.Thread(target=pass_on).start()
        done.append(1)
        work.end("event")

    work.begin("event")
    threading.Thread(target=pass_on).start()
    work.wait_until_idle(nothing, 30)
    assert len(done) == 2000
