"""A view sees at a moment what was known by then, and nothing that came to be known later can change it."""

from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.features.both_ways import a_row, a_view, after, answers
from tests.features.depth import examples
from tests.features.histories import (
    Row,
    a_moment,
    histories,
    known_time,
    next_week,
    randoms,
    to_columns,
    turning_points,
    views,
)
from tests.features.holding import Question, hold, to_request
from tests.features.questions import bits
from tidemill import Delay, FeatureView, Source, Timestamp, Weekly, count, distinct, first, last, latest, mean
from tidemill import max as largest
from tidemill.features.offline import join_features
from tidemill.project.times import KnownRule

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def questions_about(history: list[Row], random: Random) -> list[Question]:
    """Ask for the places of some rows when they come into sight and go out of it."""
    rows = random.sample(history, min(3, len(history)))
    turns = [((row.shop, row.shelf), at) for row in rows for at in turning_points(row)]
    return turns or [(("a", 1), a_moment(random, 120))]


@settings(deadline=None, max_examples=examples(30))
@given(view=views(), history=histories(1), random=randoms())
def test_what_comes_to_be_known_later_changes_no_bit_of_what_was_asked_before(
    view: FeatureView, history: list[Row], random: Random
) -> None:
    now = a_moment(random, 200)
    asked = [(key, at) for key, at in questions_about(history, random) if at <= now] or [(("a", 1), now)]
    by_now = [row for row in history if (known := known_time(view, row)) is not None and known <= now]
    then = join_features(to_request(asked), [view], {"events": to_columns(by_now)}, "at")
    today = join_features(to_request(asked), [view], {"events": to_columns(history)}, "at")
    for name, values in then.items():
        assert bits(today[name], [True] * len(asked)) == bits(values, [True] * len(asked)), name


@pytest.mark.parametrize(
    "known",
    ["arrived", Delay("2s"), Delay("45s"), Weekly(on="monday"), Weekly(on="sunday", at="23:59")],
    ids=str,
)
def test_rows_late_and_corrected_are_what_the_oracle_sees_by_every_rule(known: KnownRule) -> None:
    # Every rule has its own examples: of a hundred drawn among all rules, few would be of one.
    @settings(deadline=None, max_examples=examples(8))
    @given(view=views(), history=histories(5, 30), random=randoms())
    def holds(view: FeatureView, history: list[Row], random: Random) -> None:
        source = Source("events", view.source.schema, ["shop"], "at", known=known)
        ruled = FeatureView("everything", view.entity, source, view.features, ttl=view.ttl)
        hold(ruled, history, questions_about(history, random))

    holds()


@given(
    day=st.sampled_from(DAYS),
    minute=st.integers(0, 24 * 60 - 1),
    at=st.datetimes(datetime(1903, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis adds the zone
    on_the_turn=st.booleans(),
)
def test_a_weekly_file_makes_a_row_known_at_the_first_turn_after_it(
    day: str, minute: int, at: datetime, *, on_the_turn: bool
) -> None:
    rule = Weekly(on=day, at=f"{minute // 60:02}:{minute % 60:02}")
    source = Source("events", {"at": Timestamp}, ["at"], "at", known=rule)
    if on_the_turn:
        at = at.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    (found,) = source.known_at(np.array([at.replace(tzinfo=None)], dtype="datetime64[us]")).tolist()
    known = found.replace(tzinfo=UTC)
    assert timedelta() < known - at <= timedelta(days=7)
    assert (DAYS[known.weekday()], known.hour * 60 + known.minute) == (day, minute)
    assert (known.second, known.microsecond) == (0, 0)


def test_the_oracles_own_weeks_turn_where_a_calendar_says() -> None:
    sunday = datetime(2013, 1, 6, 12, tzinfo=UTC)
    assert next_week(Weekly(on="monday"), sunday) == datetime(2013, 1, 7, tzinfo=UTC)
    assert next_week(Weekly(on="sunday", at="12:00"), sunday) == datetime(2013, 1, 13, 12, tzinfo=UTC)


def test_a_correction_counts_beside_what_it_corrects_and_as_the_latest_once_it_is_known() -> None:
    rows = [a_row(after(10), arrived=after(11), x=1.0), a_row(after(10), arrived=after(30), x=5.0)]
    view = a_view(
        "arrived", n=count(over="1h"), mean=mean("x", over="1h"), last=last("x", over="1h"), **latest("x")
    )
    assert answers(view, rows, [after(29), after(30)]) == {
        "n": [1, 2],
        "mean": [1.0, 3.0],
        "last": [1.0, 5.0],
        "x": [1.0, 5.0],
    }


def test_a_late_row_enters_its_window_when_it_is_known_and_leaves_it_as_if_it_had_been_on_time() -> None:
    rows = [a_row(after(0), arrived=after(1), x=1.0), a_row(after(0), arrived=after(50), x=9.0)]
    view = a_view("arrived", n=count(over="60s", hop="1s"), most=largest("x", over="60s", hop="1s"))
    times = [after(1), after(49), after(50), after(60, us=999_999), after(61)]
    assert answers(view, rows, times) == {"n": [1, 1, 2, 2, 0], "most": [1.0, 1.0, 9.0, 9.0, None]}


def test_a_row_known_only_when_its_window_is_past_is_never_in_it_but_is_the_latest() -> None:
    rows = [a_row(after(0), arrived=after(61), x=1.0)]
    view = a_view(
        "arrived",
        n=count(over="60s", hop="1s"),
        most=largest("x", over="60s", hop="1s"),
        first=first("x", over="60s", hop="1s"),
        different=distinct("x", over="60s", hop="1s"),
        **latest("x"),
    )
    assert answers(view, rows, [after(60), after(61), after(62)]) == {
        "n": [0, 0, 0],
        "most": [None, None, None],
        "first": [None, None, None],
        "different": [0, 0, 0],
        "x": [None, 1.0, 1.0],
    }
