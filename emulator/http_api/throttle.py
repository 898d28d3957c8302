"""Throttling of HTTP APIs: a token bucket per stage and route, filled as time passes.

A bucket holds as many requests as the burst limit and gains the rate limit each second. That second may be
one of the cloud's clock or of the wall's, whichever passed more: an advance fills buckets, and under a clock
that stands still clients are held to their real pace, not refused until somebody moves it.
(https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html)
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass
class _Bucket:
    filled_at: datetime
    filled_at_seconds: float
    requests: float


class Throttle:
    """Decides which requests pass; safe to use from many threads.

    Parameters
    ----------
    now
        The cloud's time.
    wall_seconds
        Seconds that pass while the cloud's clock stands still.

    Examples
    --------
    >>> from datetime import UTC
    >>> throttle = Throttle(lambda: datetime(2013, 1, 1, tzinfo=UTC), lambda: 0.0)
    >>> settings = {"throttlingBurstLimit": 2, "throttlingRateLimit": 1}
    >>> [throttle.lets_pass(("api", "$default", "GET /"), settings) for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, now: Callable[[], datetime], wall_seconds: Callable[[], float]) -> None:
        self._now = now
        self._wall_seconds = wall_seconds
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def lets_pass(self, key: tuple[str, ...], settings: Mapping[str, Any]) -> bool:
        """Take one request out of a bucket, if there is one in it.

        Parameters
        ----------
        key
            API, stage and route.
        settings
            ``throttlingBurstLimit`` in requests and ``throttlingRateLimit`` in requests a second; without
            them, everything passes.

        Returns
        -------
        bool
            Whether the request passes.
        """
        burst, rate = settings.get("throttlingBurstLimit"), settings.get("throttlingRateLimit")
        if burst is None or rate is None:
            return True
        now, seconds = self._now(), self._wall_seconds()
        with self._lock:
            bucket = self._buckets.setdefault(key, _Bucket(now, seconds, float(burst)))
            elapsed_seconds = max(
                (now - bucket.filled_at).total_seconds(), seconds - bucket.filled_at_seconds, 0.0
            )
            bucket.requests = min(float(burst), bucket.requests + elapsed_seconds * float(rate))
            bucket.filled_at, bucket.filled_at_seconds = now, seconds
            if bucket.requests < 1:
                return False
            bucket.requests -= 1
            return True


def route_settings(stage: Any, route_key: str) -> dict[str, Any]:
    """Give the settings of a route: the stage's defaults, and what it says of the route in place of them.

    Parameters
    ----------
    stage
        moto's stage.
    route_key
        Such as ``GET /models``.

    Returns
    -------
    dict
        Settings, their names beginning in lower case.
    """
    own = (stage.route_settings or {}).get(route_key) or {}
    merged = {**(stage.default_route_settings or {}), **own}
    return {name[:1].lower() + name[1:]: value for name, value in merged.items()}
