"""Fields of AWS cron expressions, with their days: `?`, `L`, `W`, `#`, and Sunday as 1."""

import calendar
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}


def field_values(
    text: str, lowest: int, highest: int, names: Mapping[str, int] | None = None
) -> tuple[int, ...]:
    """Expand one field to the values it matches, in order.

    Parameters
    ----------
    text
        Comma-separated parts, each `*`, a value, a range, or either with `/step`.
    lowest, highest
        What the field may hold.
    names
        Names for values, upper case.

    Returns
    -------
    tuple of int
        Without repetition.

    Raises
    ------
    ValueError
        A part is not understood or out of range.

    Examples
    --------
    >>> field_values("0/20,5", 0, 59), field_values("MAR-MAY", 1, 12, {"MAR": 3, "MAY": 5})
    ((0, 5, 20, 40), (3, 4, 5))
    """
    values: set[int] = set()
    for part in text.split(","):
        base, _, step = part.partition("/")
        if base == "*":
            first, last = lowest, highest
        else:
            start, dash, end = base.partition("-")
            first = _value(start, names)
            last = _value(end, names) if dash else (highest if step else first)
        stride = int(step) if step else 1
        if stride < 1 or not (lowest <= first <= last <= highest):
            raise ValueError(f"field {text!r} does not fit into {lowest}-{highest}")
        values.update(range(first, last + 1, stride))
    return tuple(sorted(values))


def _value(text: str, names: Mapping[str, int] | None) -> int:
    named = (names or {}).get(text.upper())
    if named is not None:
        return named
    if not text.isdecimal():
        raise ValueError(f"{text!r} is not a value of this field")
    return int(text)


@dataclass(frozen=True)
class CronDays:
    """The two day fields together; one of them is always `?`.

    Examples
    --------
    >>> CronDays.parse("?", "6#3").of_month(2013, 3), CronDays.parse("LW", "?").of_month(2013, 3)
    ([15], [29])
    """

    day_of_month: str
    day_of_week: str

    @classmethod
    def parse(cls, day_of_month: str, day_of_week: str) -> "CronDays":
        """Check both fields.

        Raises
        ------
        ValueError
            Neither or both are `?`, or one is not understood.
        """
        if (day_of_month == "?") == (day_of_week == "?"):
            raise ValueError("exactly one of day-of-month and day-of-week must be '?'")
        days = cls(day_of_month.upper(), day_of_week.upper())
        days.of_month(2000, 1)
        return days

    def of_month(self, year: int, month: int) -> list[int]:
        """Give the days of one month that match, in order."""
        if self.day_of_week == "?":
            return self._by_number(year, month)
        return self._by_weekday(year, month)

    def _by_number(self, year: int, month: int) -> list[int]:
        length = calendar.monthrange(year, month)[1]
        days: set[int] = set()
        for part in self.day_of_month.split(","):
            if part == "L":
                days.add(length)
            elif part == "LW":
                days.add(_nearest_weekday(year, month, length))
            elif re.fullmatch(r"L-\d+", part):
                days.add(max(length - int(part[2:]), 1))
            elif re.fullmatch(r"\d+W", part):
                day = field_values(part[:-1], 1, 31)[0]
                days.update({_nearest_weekday(year, month, day)} if day <= length else set())
            else:
                days.update(field_values(part, 1, 31))
        return sorted(day for day in days if day <= length)

    def _by_weekday(self, year: int, month: int) -> list[int]:
        length = calendar.monthrange(year, month)[1]
        weekdays = {day: (date(year, month, day).weekday() + 1) % 7 + 1 for day in range(1, length + 1)}
        days: set[int] = set()
        for part in self.day_of_week.split(","):
            if part == "L":
                wanted = {day for day, weekday in weekdays.items() if weekday == 7}
            elif part.endswith("L"):
                number = field_values(part[:-1], 1, 7, _WEEKDAYS)[0]
                wanted = {max(day for day, weekday in weekdays.items() if weekday == number)}
            elif "#" in part:
                name, _, nth = part.partition("#")
                number, ordinal = field_values(name, 1, 7, _WEEKDAYS)[0], field_values(nth, 1, 5)[0]
                wanted = {
                    day
                    for day, weekday in weekdays.items()
                    if weekday == number and (day - 1) // 7 + 1 == ordinal
                }
            else:
                values = field_values(part, 1, 7, _WEEKDAYS)
                wanted = {day for day, weekday in weekdays.items() if weekday in values}
            days |= wanted
        return sorted(days)


def _nearest_weekday(year: int, month: int, day: int) -> int:
    """Give the working day nearest to a day, staying in the month."""
    weekday = date(year, month, day).weekday()
    length = calendar.monthrange(year, month)[1]
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < length else day - 2
    return day
