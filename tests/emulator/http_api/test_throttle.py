"""A bucket of an HTTP API is filled by the cloud's time and by the wall's."""

from datetime import UTC, datetime, timedelta

from emulator.http_api.throttle import Throttle

KEY = ("api", "$default", "GET /")
SETTINGS = {"throttlingBurstLimit": 2, "throttlingRateLimit": 0.5}


class Times:
    """The cloud's time and the wall's, moved by the test."""

    def __init__(self) -> None:
        self.now = datetime(2013, 1, 1, tzinfo=UTC)
        self.wall_seconds = 0.0
        self.throttle = Throttle(lambda: self.now, lambda: self.wall_seconds)

    def passing(self, requests: int) -> int:
        """Count how many of some requests pass."""
        return sum(self.throttle.lets_pass(KEY, SETTINGS) for _ in range(requests))


def test_under_a_frozen_clock_the_wall_gives_requests_back() -> None:
    times = Times()
    assert times.passing(5) == 2
    times.wall_seconds += 1.9
    assert times.passing(5) == 0
    times.wall_seconds += 0.1
    assert times.passing(5) == 1


def test_an_advance_of_the_clock_fills_a_bucket_at_once_and_no_further_than_its_burst() -> None:
    times = Times()
    assert times.passing(5) == 2
    times.now += timedelta(days=1)
    assert times.passing(5) == 2


def test_time_that_passes_on_both_counts_once() -> None:
    times = Times()
    assert times.passing(5) == 2
    times.now += timedelta(seconds=2)
    times.wall_seconds += 2
    assert times.passing(5) == 1
