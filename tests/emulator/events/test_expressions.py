"""Schedule expressions mean what AWS's documentation says they mean."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.events.expressions import ScheduleExpressionError, parse_schedule

START = datetime(2013, 1, 30, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("rate(1 minute)", ["2013-01-30T12:01", "2013-01-30T12:02"]),
        ("rate(12 hours)", ["2013-01-31T00:00", "2013-01-31T12:00"]),
        ("rate(7 days)", ["2013-02-06T12:00", "2013-02-13T12:00"]),
        ("cron(0 12 * * ? *)", ["2013-01-31T12:00", "2013-02-01T12:00"]),
        ("cron(15 12 * * ? *)", ["2013-01-30T12:15", "2013-01-31T12:15"]),
        ("cron(0/15 * * * ? *)", ["2013-01-30T12:15", "2013-01-30T12:30", "2013-01-30T12:45"]),
        ("cron(0 18 ? * MON-FRI *)", ["2013-01-30T18:00", "2013-01-31T18:00", "2013-02-01T18:00"]),
        ("cron(0 8 1 * ? *)", ["2013-02-01T08:00", "2013-03-01T08:00"]),
        ("cron(0 0 L * ? *)", ["2013-01-31T00:00", "2013-02-28T00:00"]),
        ("cron(0 0 L-3 * ? *)", ["2013-02-25T00:00", "2013-03-28T00:00"]),
        ("cron(0 0 LW 3 ? *)", ["2013-03-29T00:00", "2014-03-31T00:00"]),
        ("cron(0 0 15W 6 ? *)", ["2013-06-14T00:00", "2014-06-16T00:00"]),  # Saturday back, Sunday on
        ("cron(0 0 1W 6 ? *)", ["2013-06-03T00:00", "2014-06-02T00:00"]),  # never into the month before
        ("cron(0 0 31 * ? *)", ["2013-01-31T00:00", "2013-03-31T00:00"]),
        ("cron(30 9 ? * 6L *)", ["2013-02-22T09:30", "2013-03-29T09:30"]),  # last Friday
        ("cron(30 9 ? * FRI#2 *)", ["2013-02-08T09:30", "2013-03-08T09:30"]),
        ("cron(0 0 ? * 1 *)", ["2013-02-03T00:00", "2013-02-10T00:00"]),  # Sunday is 1
        ("cron(0 0 ? * L *)", ["2013-02-02T00:00", "2013-02-09T00:00"]),  # L alone is Saturday
        ("cron(0 0 29 FEB ? *)", ["2016-02-29T00:00", "2020-02-29T00:00"]),
        ("cron(0 10,14 ? JAN,JUN WED 2013-2014)", ["2013-01-30T14:00", "2013-06-05T10:00"]),
        ("at(2013-02-01T06:30:00)", ["2013-02-01T06:30"]),
        ("at(2013-01-01T00:00:00)", []),
        ("cron(0 0 1 1 ? 2012)", []),
    ],
)
def test_schedule_falls_due_when_it_should(expression: str, expected: list[str]) -> None:
    schedule = parse_schedule(expression)
    moment: datetime | None = START
    seen = []
    for _ in range(max(len(expected), 1)):
        assert moment is not None
        moment = schedule.next_after(moment, anchor=START)
        if moment is None:
            break
        seen.append(f"{moment:%Y-%m-%dT%H:%M}")
    assert seen == expected


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("every day", "neither rate"),
        ("rate(0 minutes)", "positive number"),
        ("rate(1 days)", "singular"),
        ("rate(5 minute)", "plural"),
        ("rate(5 seconds)", "minutes|hours|days"),
        ("cron(0 12 * * *)", "6 fields"),
        ("cron(0 12 * * * *)", "exactly one"),
        ("cron(0 12 ? * ? *)", "exactly one"),
        ("cron(60 12 * * ? *)", "0-59"),
        ("cron(0 12 ? * FUN *)", "not a value"),
        ("cron(0 12 32 * ? *)", "1-31"),
        ("at(tomorrow)", "tomorrow"),
    ],
)
def test_malformed_expression_is_refused_with_its_reason(expression: str, complaint: str) -> None:
    with pytest.raises(ScheduleExpressionError) as refused:
        parse_schedule(expression)
    assert expression in str(refused.value)
    assert any(part in str(refused.value) for part in complaint.split("|"))


def test_local_times_follow_the_zone_and_skipped_ones_do_not_fire() -> None:
    schedule = parse_schedule("cron(30 2 * * ? *)", "America/New_York")
    before = datetime(2013, 3, 9, 12, 0, tzinfo=UTC)  # the clock goes from 2:00 to 3:00 on the 10th
    due = schedule.next_after(before, anchor=before)
    assert due == datetime(2013, 3, 11, 6, 30, tzinfo=UTC)


def test_unknown_zone_is_named() -> None:
    with pytest.raises(ScheduleExpressionError, match="Mars/Olympus"):
        parse_schedule("cron(0 0 * * ? *)", "Mars/Olympus")


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    weekday=st.integers(1, 7),
    moment=st.datetimes(datetime(2012, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001  made aware below
)
def test_weekly_cron_agrees_with_counting_minutes(
    minute: int, hour: int, weekday: int, moment: datetime
) -> None:
    moment = moment.replace(tzinfo=UTC)
    due = parse_schedule(f"cron({minute} {hour} ? * {weekday} *)").next_after(moment, anchor=moment)
    day = (moment + timedelta(days=1)).replace(hour=hour, minute=minute, second=0, microsecond=0) - timedelta(
        days=1
    )
    expected = next(
        candidate
        for candidate in (day + timedelta(days=number) for number in range(9))
        if candidate > moment and candidate.isoweekday() % 7 + 1 == weekday
    )
    assert due == expected
