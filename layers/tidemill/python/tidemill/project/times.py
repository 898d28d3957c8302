"""Lengths of time, and rules that say when a thing that happened gets to be known."""

import re
from dataclasses import dataclass

from tidemill.errors import DeclarationError, did_you_mean
from tidemill.expressions.expression import Call, Expr, as_expression, col

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_DURATION = re.compile(r"(\d+)\s*([a-z]+)")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


def parse_duration(text: str, what: str) -> int:
    """Read a length of time such as "14d".

    Parameters
    ----------
    text
        A whole number above 0 and a unit: s, min, h, d, w or y (365 days).
    what
        What the length is for, to begin the message with.

    Returns
    -------
    int
        Seconds.

    Raises
    ------
    DeclarationError
        If it is no such text, or 0.

    Examples
    --------
    >>> parse_duration("14d", "window")
    1209600
    >>> parse_duration("0d", "window")
    Traceback (most recent call last):
    tidemill.errors.DeclarationError: window: "0d" is no time at all; give a length above 0, such as "14d"
    """
    match = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise DeclarationError(f'{what}: {text!r} is not a length of time; write one such as "14d" or "2h"')
    number, unit = int(match[1]), match[2]
    if unit not in _UNITS:
        raise DeclarationError(f"{what}: unknown unit `{unit}` in {text!r}; known: {', '.join(_UNITS)}")
    if number == 0:
        raise DeclarationError(f'{what}: "{text}" is no time at all; give a length above 0, such as "14d"')
    return number * _UNITS[unit]


@dataclass(frozen=True)
class Weekly:
    """Known with the next weekly file: at the first such moment after the timestamp.

    A row whose timestamp lies exactly on the boundary belongs to the week that begins there.

    Attributes
    ----------
    on
        The day of the week, in lower case.
    at
        The time of day in UTC, as "HH:MM".
    """

    on: str
    at: str = "00:00"

    def __post_init__(self) -> None:
        if self.on not in _WEEKDAYS:
            raise DeclarationError(f"Weekly: unknown day `{self.on}`{did_you_mean(self.on, _WEEKDAYS)}")
        if _CLOCK.fullmatch(self.at) is None:
            raise DeclarationError(f'Weekly: {self.at!r} is not a time of day such as "00:00"')

    def expression(self, timestamp: str) -> Expr:
        """Return the moment of knowing as an expression over the timestamp column."""
        days = (_WEEKDAYS.index(self.on) - _EPOCH_WEEKDAY) % 7
        hours, minutes = (int(part) for part in self.at.split(":"))
        offset_seconds = days * _UNITS["d"] + hours * _UNITS["h"] + minutes * _UNITS["min"]
        return Call("next_weekly", (col(timestamp), as_expression(offset_seconds * 1_000_000)))


@dataclass(frozen=True)
class Delay:
    """Known a fixed time after the timestamp.

    Attributes
    ----------
    after
        The length of time, such as "2h".
    """

    after: str

    def __post_init__(self) -> None:
        parse_duration(self.after, "Delay")

    @property
    def seconds(self) -> int:
        """The delay in seconds."""
        return parse_duration(self.after, "Delay")

    def expression(self, timestamp: str) -> Expr:
        """Return the moment of knowing as an expression over the timestamp column."""
        return Call("later", (col(timestamp), as_expression(self.seconds * 1_000_000)))


KnownRule = str | Weekly | Delay | None
"""A column of timestamps, a rule, or None: known as it happens."""
