"""Moments and figures as JSON tells them."""

import math
from datetime import UTC, datetime
from typing import Any


def timestamp(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC.

    Examples
    --------
    >>> timestamp(datetime(2013, 1, 7, tzinfo=UTC))
    '2013-01-07T00:00:00Z'
    """
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def json_value(value: Any) -> Any:
    """Return a value of a row as JSON has it: a moment as text, and an infinity too, which is no JSON.

    Examples
    --------
    >>> json_value(float("inf")), json_value(1.5)
    ('inf', 1.5)
    """
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
