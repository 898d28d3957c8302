"""Schedule expressions of EventBridge: `rate(…)`, `cron(…)` and `at(…)`.

References
----------
AWS, "Schedule types in EventBridge Scheduler" and "Cron expressions reference".
"""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator.events.cron import CronDays, field_values


class ScheduleExpressionError(ValueError):
    """The expression is not one of EventBridge's; the message says what is wrong with it."""


class Schedule(Protocol):
    """When something falls due."""

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:
        """Give the first time after `moment`; `anchor` is when the schedule was made."""


@dataclass(frozen=True)
class Rate:
    """Every so often, counted from the anchor."""

    period: timedelta

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:
        """Give the first multiple of the period, counted from the anchor, after `moment`."""
        passed = max((moment - anchor) // self.period, 0)
        return anchor + (passed + 1) * self.period


@dataclass(frozen=True)
class At:
    """Once."""

    local: datetime
    zone: ZoneInfo

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:  # noqa: ARG002  the protocol's
        """Give the time itself while it lies ahead."""
        due = self.local.replace(tzinfo=self.zone).astimezone(UTC)
        return due if due > moment else None


@dataclass(frozen=True)
class Cron:
    """By calendar, in a time zone. A local time that a clock change skips does not fire."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: CronDays
    months: tuple[int, ...]
    years: tuple[int, ...]
    zone: ZoneInfo

    def next_after(self, moment: datetime, *, anchor: datetime) -> datetime | None:  # noqa: ARG002  the protocol's
        """Give the first matching minute after `moment`, or None when the years are over."""
        local = moment.astimezone(self.zone).replace(tzinfo=None)
        for year in self.years:
            if year < local.year:
                continue
            for month in self.months:
                if (year, month) < (local.year, local.month):
                    continue
                due = self._in_month(year, month, local, moment)
                if due is not None:
                    return due
        return None

    def _in_month(self, year: int, month: int, local: datetime, moment: datetime) -> datetime | None:
        for day in self.days.of_month(year, month):
            if date(year, month, day) < local.date():
                continue
            for hour in self.hours:
                for minute in self.minutes:
                    due = self._exists(datetime(year, month, day, hour, minute))  # noqa: DTZ001  local by intent
                    if due is not None and due > moment:
                        return due
        return None

    def _exists(self, local: datetime) -> datetime | None:
        due = local.replace(tzinfo=self.zone).astimezone(UTC)
        return due if due.astimezone(self.zone).replace(tzinfo=None) == local else None


_UNITS = {"minute": "minutes", "hour": "hours", "day": "days"}


def parse_schedule(expression: str, timezone: str = "UTC") -> Schedule:
    """Read a schedule expression.

    Parameters
    ----------
    expression
        `rate(5 minutes)`, `cron(0 6 ? * MON-FRI *)` or `at(2013-03-01T06:00:00)`.
    timezone
        Name of the zone cron and at are meant in.

    Returns
    -------
    Schedule
        What computes the times.

    Raises
    ------
    ScheduleExpressionError
        The expression or the time zone is not understood.

    Examples
    --------
    >>> start = datetime(2013, 3, 1, tzinfo=UTC)
    >>> parse_schedule("cron(30 6 ? * MON *)").next_after(start, anchor=start).isoformat()
    '2013-03-04T06:30:00+00:00'
    """
    match = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression.strip())
    if match is None:
        raise ScheduleExpressionError(f"{expression!r} is neither rate(...), cron(...) nor at(...)")
    kind, inner = match.groups()
    if kind == "rate":
        return _rate(expression, inner)
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ScheduleExpressionError(f"unknown time zone {timezone!r} of {expression!r}") from error
    try:
        if kind == "at":
            return At(datetime.strptime(inner, "%Y-%m-%dT%H:%M:%S"), zone)  # noqa: DTZ007  local by intent
        return _cron(inner, zone)
    except ValueError as error:
        raise ScheduleExpressionError(f"{expression!r}: {error}") from error


def _rate(expression: str, inner: str) -> Rate:
    match = re.fullmatch(r"(\d+) (minute|hour|day)(s?)", inner)
    if match is None or int(match[1]) < 1:
        raise ScheduleExpressionError(f"{expression!r} is not rate(<positive number> minutes|hours|days)")
    number = int(match[1])
    if (number == 1) == bool(match[3]):
        raise ScheduleExpressionError(f"{expression!r}: the unit is singular for 1 and plural otherwise")
    return Rate(timedelta(**{_UNITS[match[2]]: number}))


def _cron(inner: str, zone: ZoneInfo) -> Cron:
    fields = inner.split()
    if len(fields) != 6:
        raise ValueError(
            f"cron has 6 fields (minutes hours day-of-month month day-of-week year), not {len(fields)}"
        )
    minutes, hours, day_of_month, month, day_of_week, year = fields
    names = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
    return Cron(
        minutes=field_values(minutes, 0, 59),
        hours=field_values(hours, 0, 23),
        days=CronDays.parse(day_of_month, day_of_week),
        months=field_values(month, 1, 12, names),
        years=field_values(year, 1970, 2199),
        zone=zone,
    )
