"""New York's wall clock, from a moment in UTC: what a timetable and rush hours go by."""

from tidemill import Expr, when


def new_york_hour(moment: Expr) -> Expr:
    """Return the hour of the day, 0 to 23."""
    return (moment.hour() + 24 - _hours_behind(moment)) % 24


def new_york_weekday(moment: Expr) -> Expr:
    """Return the day of the week, Monday 0 to Sunday 6."""
    yesterday = when(moment.hour() < _hours_behind(moment)).then(6).otherwise(0)
    return (moment.weekday() + yesterday) % 7


def _hours_behind(moment: Expr) -> Expr:
    """Daylight saving time lasts from March's second Sunday to November's first, here to the day."""
    leap_day = when(moment.year() % 4 == 0).then(1).otherwise(0)
    last_sunday = moment.day_of_year() - (moment.weekday() + 1) % 7 - leap_day
    march_8, november_1 = 67, 305
    return when((last_sunday >= march_8) & (last_sunday < november_1)).then(4).otherwise(5)
