"""The clock fires what is due in order, and moves only as it should."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from emulator.events.clock import Clock

NEW_YEAR = datetime(2013, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Give a clock whose thread ends with the test."""
    made = Clock()
    yield made
    made.close()


def test_timers_fire_in_time_order_at_their_own_time_and_settle_between(clock: Clock) -> None:
    seen: list[str] = []
    clock.settle = lambda: seen.append("settled")
    clock.set(NEW_YEAR)
    for days, order in ((3, ""), (1, "b"), (1, "a")):
        clock.call_at(
            NEW_YEAR + timedelta(days=days),
            lambda order=order: seen.append(f"{clock.now():%d}{order}"),  # type: ignore[misc]
            what=order,
            order=order,
        )
    clock.advance_to(NEW_YEAR + timedelta(days=5))
    assert seen == ["settled", "02a", "settled", "02b", "settled", "04", "settled"]
    assert clock.now() == NEW_YEAR + timedelta(days=5)


def test_timer_that_plans_another_within_the_span_has_it_fired_too(clock: Clock) -> None:
    clock.set(NEW_YEAR)
    fired: list[int] = []

    def fire() -> None:
        fired.append(clock.now().day)
        clock.call_at(clock.now() + timedelta(days=1), fire, what="fire")

    clock.call_at(NEW_YEAR + timedelta(days=1), fire, what="fire")
    clock.advance_to(NEW_YEAR + timedelta(days=4))
    assert fired == [2, 3, 4, 5]


def test_cancelled_timer_does_not_fire_and_a_late_one_does_not_turn_time_back(clock: Clock) -> None:
    clock.set(NEW_YEAR)
    seen: list[datetime] = []
    clock.call_at(NEW_YEAR + timedelta(hours=1), lambda: seen.append(clock.now()), what="note").cancel()
    clock.call_at(NEW_YEAR - timedelta(hours=1), lambda: seen.append(clock.now()), what="note")
    clock.advance_to(NEW_YEAR + timedelta(hours=2))
    assert seen == [NEW_YEAR]


def test_frozen_time_stands_still_and_never_goes_back(clock: Clock) -> None:
    assert clock.mode == "wall"
    clock.set(NEW_YEAR)
    assert (clock.mode, clock.now(), clock.now()) == ("frozen", NEW_YEAR, NEW_YEAR)
    with pytest.raises(ValueError, match="does not go back"):
        clock.set(NEW_YEAR - timedelta(seconds=1))
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance_to(NEW_YEAR - timedelta(seconds=1))
    with pytest.raises(ValueError, match="no time zone"):
        clock.advance_to(datetime(2014, 1, 1))  # noqa: DTZ001  that is the point


def test_setting_jumps_over_timers_and_tells_listeners(clock: Clock) -> None:
    clock.set(NEW_YEAR)
    told: list[datetime] = []
    clock.on_set(lambda: told.append(clock.now()))
    clock.set(NEW_YEAR + timedelta(days=1))
    assert told == [NEW_YEAR + timedelta(days=1)]


def test_on_the_wall_a_timer_fires_by_itself(clock: Clock) -> None:
    fired = threading.Event()
    later = threading.Event()
    clock.call_at(datetime.now(UTC) + timedelta(hours=1), later.set, what="later")
    clock.call_at(datetime.now(UTC) + timedelta(milliseconds=20), fired.set, what="soon")
    assert fired.wait(5)
    assert not later.is_set()


def test_advancing_a_wall_clock_goes_on_from_the_present(clock: Clock) -> None:
    before = datetime.now(UTC)
    clock.advance_to(before + timedelta(days=1))
    assert clock.mode == "frozen"
    assert clock.now() == before + timedelta(days=1)


def test_advancing_to_the_next_event_fires_all_that_is_due_then_and_says_what(clock: Clock) -> None:
    clock.set(NEW_YEAR)
    hour = timedelta(hours=1)
    for hours, what in ((2, "late"), (1, "first"), (1, "second")):
        clock.call_at(NEW_YEAR + hours * hour, lambda: None, what=what)
    upcoming = clock.next_timer()
    assert upcoming is not None
    assert (upcoming.due, upcoming.what) == (NEW_YEAR + hour, "first")
    assert clock.advance_to_next() == ["first", "second"]
    assert clock.now() == NEW_YEAR + hour
    assert clock.advance_to_next() == ["late"]
    assert clock.next_timer() is None
    assert clock.advance_to_next() == []
    assert clock.now() == NEW_YEAR + 2 * hour


def test_a_frozen_clock_runs_on_from_its_moment_and_freezes_again(clock: Clock) -> None:
    fired = threading.Event()
    clock.set(NEW_YEAR)
    clock.call_at(NEW_YEAR + timedelta(milliseconds=20), fired.set, what="soon")
    assert not fired.is_set()
    clock.run()
    assert clock.mode == "running"
    assert fired.wait(5)
    assert NEW_YEAR < clock.now() < NEW_YEAR + timedelta(minutes=1)
    clock.freeze()
    assert clock.now() == clock.now()


def test_advancing_a_running_clock_lets_it_run_on_from_there(clock: Clock) -> None:
    clock.set(NEW_YEAR)
    clock.run()
    clock.advance_to(NEW_YEAR + timedelta(days=1))
    assert clock.mode == "running"
    assert clock.now() >= NEW_YEAR + timedelta(days=1)


def test_a_wall_clock_told_to_run_stays_on_the_wall(clock: Clock) -> None:
    clock.run()
    assert clock.mode == "wall"
