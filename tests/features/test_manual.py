"""Each sentence of docs/features.md on what features are holds, in the join and in the online store."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.features.both_ways import NOON, SCHEMA, a_row, a_view, after, answer, answers, as_columns
from tidemill import (
    Delay,
    String,
    Timestamp,
    Weekly,
    col,
    count,
    distinct,
    first,
    last,
    latest,
    mean,
    rate,
    std,
    var,
)
from tidemill import max as largest
from tidemill import min as smallest
from tidemill import sum as total
from tidemill.expressions import column
from tidemill.features.materialization import materialize
from tidemill.features.offline import join_features
from tidemill.features.online import read_views
from tidemill.memory.online import MemoryOnlineStore
from tidemill.project.times import KnownRule
from tidemill.project.views import Feature, default_hop_seconds

MICROSECOND = timedelta(microseconds=1)
MONDAY = datetime(2013, 1, 14, tzinfo=UTC)


# Two times


def test_a_row_is_seen_from_just_after_its_timestamp_never_at_it() -> None:
    rows = [a_row(NOON)]
    found = answers(a_view(rows=count(over="1h")), rows, [NOON - MICROSECOND, NOON, NOON + MICROSECOND])
    assert found["rows"] == [0, 0, 1]


@pytest.mark.parametrize(
    ("known", "from_when"),
    [
        (None, NOON + MICROSECOND),
        ("arrived", after(90)),
        (Delay("2h"), after(7200)),
        (Weekly(on="monday"), MONDAY),
        (Weekly(on="wednesday", at="12:00"), NOON + timedelta(days=7)),
        (Weekly(on="wednesday", at="12:01"), after(60)),
    ],
    ids=["when it happened", "a column", "a delay", "a week", "a row on the week's turn", "a minute on"],
)
def test_a_row_is_seen_from_the_very_moment_at_which_it_is_known(
    known: KnownRule, from_when: datetime
) -> None:
    rows = [a_row(NOON, arrived=after(90), x=1.0)]
    view = a_view(known, rows=count(over="14d", hop="1h"), **latest("x"))
    found = answers(view, rows, [from_when - MICROSECOND, from_when, from_when + MICROSECOND])
    assert found == {"rows": [0, 1, 1], "x": [None, 1.0, 1.0]}


def test_a_row_known_before_it_happened_is_seen_when_it_has_happened() -> None:
    rows = [a_row(NOON, arrived=after(-3600))]
    view = a_view("arrived", rows=count(over="1h"))
    assert answers(view, rows, [after(-60), NOON, NOON + MICROSECOND])["rows"] == [0, 0, 1]


@pytest.mark.parametrize("missing", ["at", "arrived", "place"])
def test_a_row_whose_timestamp_known_time_or_key_is_null_is_never_seen(missing: str) -> None:
    rows = [a_row(NOON, arrived=NOON, x=1.0), a_row(NOON, arrived=NOON, x=2.0) | {missing: None}]
    view = a_view("arrived", rows=count(over="1h"), sum=total("x", over="1h"), **latest("x"))
    assert answers(view, rows, [after(60)]) == {"rows": [1], "sum": [1.0], "x": [1.0]}


# Latest values


def test_the_latest_value_is_that_of_the_newest_row_also_where_it_is_null() -> None:
    rows = [a_row(after(1), x=1.0), a_row(after(2))]
    assert answers(a_view(**latest("x")), rows, [after(1.5), after(3)])["x"] == [1.0, None]


def test_the_latest_value_counts_up_to_its_ttl_and_not_a_microsecond_longer() -> None:
    view, rows = replace(a_view(**latest("x")), ttl="1min"), [a_row(NOON, x=1.0)]
    assert answers(view, rows, [after(60), after(60, us=1)])["x"] == [1.0, None]


@pytest.mark.parametrize(
    ("oldest_first", "newest"),
    [
        ([a_row(NOON, arrived=after(2), x=9.0), a_row(NOON, arrived=after(3), x=1.0)], (1.0, None)),
        ([a_row(NOON, arrived=after(2), x=1.0, n=9), a_row(NOON, arrived=after(2), x=2.0)], (2.0, None)),
        ([a_row(NOON, arrived=after(2), n=9), a_row(NOON, arrived=after(2), x=-1.0)], (-1.0, None)),
        ([a_row(NOON, arrived=after(2), x=1.0), a_row(NOON, arrived=after(2), x=1.0, n=-5)], (1.0, -5)),
        ([a_row(NOON, arrived=after(2), x=5.0), a_row(after(1), arrived=after(1), x=4.0)], (4.0, None)),
    ],
    ids=["known later", "greater value", "null is least", "the second feature", "happened later"],
)
def test_of_rows_of_one_moment_the_newer_is_told_whatever_order_they_come_in(
    oldest_first: list[dict[str, Any]], newest: tuple[float, int | None]
) -> None:
    view = a_view("arrived", **latest("x", "n"))
    for rows in permutations(oldest_first):
        found = answers(view, rows, [after(60)])
        assert (found["x"], found["n"]) == ([newest[0]], [newest[1]])


def test_the_first_feature_that_is_declared_decides_first() -> None:
    rows = [a_row(NOON, x=1.0, n=2), a_row(NOON, x=2.0, n=1)]
    assert answers(a_view(**latest("x", "n")), rows, [after(1)]) == {"x": [2.0], "n": [1]}
    assert answers(a_view(**latest("n", "x")), rows, [after(1)]) == {"n": [2], "x": [1.0]}


# Windows


def test_the_far_end_of_a_window_moves_in_hops_and_the_near_end_does_not() -> None:
    view = a_view(rows=count(over="10min", hop="5min"))
    rows = [a_row(after(-1)), a_row(NOON), a_row(after(299)), a_row(after(300))]
    # At 12:14:59.999999 the window still begins at 12:00, at 12:15 at 12:05.
    times = [after(299, us=1), after(600), after(899, us=999_999), after(900)]
    assert answers(view, rows, times)["rows"] == [3, 3, 3, 1]


def test_hops_are_counted_from_1970_also_before_it() -> None:
    at = datetime(1969, 12, 31, 23, 59, 50, tzinfo=UTC)
    view = a_view(rows=count(over="7s", hop="7s"))
    # Hops before 1970 begin at -14 s and at -7 s; the row lies at -10 s.
    times = [at + timedelta(seconds=seconds) for seconds in (1, 9.999_999, 10)]
    assert answers(view, [a_row(at)], times)["rows"] == [1, 1, 0]


@pytest.mark.parametrize(
    ("window_seconds", "hop_seconds"),
    [
        (28 * 86_400, 86_400),
        (12 * 86_400, 86_400),
        (12 * 86_400 - 1, 3600),
        (12 * 3600, 3600),
        (12 * 3600 - 1, 300),
        (3600, 300),
        (3599, 60),
        (720, 60),
        (719, 1),
        (12, 1),
        (1, 1),
    ],
)
def test_the_hop_is_the_largest_that_is_at_most_a_twelfth_of_the_window(
    window_seconds: int, hop_seconds: int
) -> None:
    assert default_hop_seconds(window_seconds) == hop_seconds


@pytest.mark.parametrize(
    ("feature", "of_nothing", "of_one"),
    [
        (count(over="1h"), 2, 3),
        (count("x", over="1h"), 0, 1),
        (total("x", over="1h"), None, 2.5),
        (mean("x", over="1h"), None, 2.5),
        (smallest("x", over="1h"), None, 2.5),
        (largest("x", over="1h"), None, 2.5),
        (var("x", over="1h"), None, None),
        (std("x", over="1h"), None, None),
        (rate(col("x") > 2, over="1h"), None, 1.0),
        (first("x", over="1h"), None, 2.5),
        (last("x", over="1h"), None, 2.5),
        (distinct("x", over="1h"), 0, 1),
    ],
    ids=lambda each: getattr(each, "kind", None),
)
def test_a_figure_leaves_nulls_out_and_says_what_it_is_of_nothing(
    feature: Feature, of_nothing: object, of_one: object
) -> None:
    nulls = [a_row(after(1)), a_row(after(3))]
    assert answer(a_view(f=feature), nulls, after(60)) == of_nothing
    assert answer(a_view(f=feature), [*nulls, a_row(after(2), x=2.5)], after(60)) == of_one


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        (total("good", over="1h"), 2.0),
        (mean("good", over="1h"), 2 / 3),
        (smallest("good", over="1h"), 0.0),
        (largest("good", over="1h"), 1.0),
        (var("good", over="1h"), 1 / 3),
        (rate("good", over="1h"), 2 / 3),
        (first("good", over="1h"), True),
        (last("word", over="1h"), "d"),
        (first("arrived", over="1h"), NOON),
        (distinct("word", over="1h"), 3),
        (distinct("good", over="1h"), 2),
    ],
    ids=lambda each: getattr(each, "kind", None),
)
def test_figures_are_of_bools_as_0_and_1_and_some_of_any_type(feature: Feature, expected: object) -> None:
    rows = [
        a_row(after(1), good=True, word="c", arrived=NOON),
        a_row(after(2), good=None, word=None),
        a_row(after(3), good=False, word="a"),
        a_row(after(4), good=True, word="c"),
        a_row(after(5), word="d", arrived=after(9)),
    ]
    assert answer(a_view(f=feature), rows, after(60)) == expected


@pytest.mark.parametrize(("kind", "expected"), [(first, "a"), (last, "z")])
def test_first_and_last_of_one_timestamp_go_by_when_they_were_known_then_by_value(
    kind: Any, expected: str
) -> None:
    rows = [
        a_row(NOON, arrived=after(1), word="m"),
        a_row(NOON, arrived=after(1), word="a"),
        a_row(NOON, arrived=after(2), word="z"),
        a_row(NOON, arrived=after(2), word="b"),
        a_row(NOON, arrived=after(2)),
    ]
    for order in (rows, rows[::-1]):
        assert answer(a_view("arrived", f=kind("word", over="1h")), order, after(60)) == expected


def test_distinct_counts_a_thousand_values_unless_declared() -> None:
    rows = [a_row(after(seconds), n=seconds) for seconds in range(1, 1003)]
    view = a_view(any=distinct("n", over="1h"), more=distinct("n", over="1h", at_most=2000))
    assert answers(view, rows, [after(1000), after(1001), after(1500)]) == {
        "any": [999, 1000, 1000],
        "more": [999, 1000, 1002],
    }


@pytest.mark.parametrize(("place", "at"), [("Rome", after(60)), (None, after(60)), ("Oslo", None)])
def test_an_entity_never_seen_a_null_key_and_a_null_time_give_null_and_0_for_counts(
    place: str | None, at: datetime | None
) -> None:
    rows = [a_row(NOON, x=1.0)]
    view = a_view(
        rows=count(over="1h"),
        values=count("x", over="1h"),
        different=distinct("x", over="1h"),
        mean=mean("x", over="1h"),
        least=smallest("x", over="1h"),
        oldest=first("x", over="1h"),
        **latest("x"),
    )
    found = answers(view, rows, [at], place)
    counts = {"rows": [0], "values": [0], "different": [0]}
    assert found == counts | {"mean": [None], "least": [None], "oldest": [None], "x": [None]}


# Values


@pytest.mark.parametrize("value", [float("inf"), -float("inf")])
def test_a_value_that_is_not_finite_is_null_to_all_but_count(value: float) -> None:
    rows = [a_row(after(1), x=1.5), a_row(after(2), x=value)]
    view = a_view(
        count=count("x", over="1h"),
        sum=total("x", over="1h"),
        most=largest("x", over="1h"),
        least=smallest("x", over="1h"),
        last=last("x", over="1h"),
        distinct=distinct("x", over="1h"),
        **latest("x"),
    )
    one = {"sum": [1.5], "most": [1.5], "least": [1.5], "last": [1.5], "distinct": [1]}
    assert answers(view, rows, [after(60)]) == {"count": [2], **one, "x": [None]}


def test_what_is_as_large_as_two_to_the_63_is_null_to_what_calculates_and_to_nothing_else() -> None:
    below, large = 2.0**63 - 1024, 2.0**63
    rows = [a_row(after(1), x=below), a_row(after(2), x=large), a_row(after(3), x=-large)]
    view = a_view(
        count=count("x", over="1h"),
        sum=total("x", over="1h"),
        most=largest("x", over="1h"),
        least=smallest("x", over="1h"),
        first=first("x", over="1min"),
        last=last("x", over="1h"),
        distinct=distinct("x", over="1h"),
        **latest("x"),
    )
    assert answers(view, rows, [after(30)]) == {
        "count": [3],
        "sum": [below],
        "most": [below],
        "least": [below],
        "first": [below],
        "last": [-large],
        "distinct": [3],
        "x": [-large],
    }


def test_what_calculates_takes_integers_as_floats_and_what_picks_takes_them_as_they_are() -> None:
    odd = 2**53 + 1
    rows = [a_row(after(1), n=odd), a_row(after(2), n=odd + 1), a_row(after(3), n=-(2**63))]
    view = a_view(
        sum=total("n", over="1h"),
        most=largest("n", over="1h"),
        count=count("n", over="1h"),
        first=first("n", over="1h"),
        last=last("n", over="1h"),
        distinct=distinct("n", over="1h"),
        **latest("n"),
    )
    assert answers(view, rows, [after(30)]) == {
        "sum": [float(odd) + float(odd + 1)],
        "most": [float(odd + 1)],
        "count": [3],
        "first": [odd],
        "last": [-(2**63)],
        "distinct": [3],
        "n": [-(2**63)],
    }


def test_minus_zero_is_zero() -> None:
    rows = [a_row(after(1), x=-0.0)]
    features = {
        "sum": total("x", over="1h"),
        "mean": mean("x", over="1h"),
        "least": smallest("x", over="1h"),
        "most": largest("x", over="1h"),
        "first": first("x", over="1h"),
        "last": last("x", over="1h"),
    }
    found = answers(a_view(**features, **latest("x")), rows, [after(60)])
    assert {name: str(values[0]) for name, values in found.items()} == dict.fromkeys(found, "0.0")
    both = [*rows, a_row(after(2), x=0.0)]
    assert answer(a_view(f=distinct("x", over="1h")), both, after(60)) == 1


def test_what_lies_below_the_resolution_is_rounded_once_a_value_before_any_adding() -> None:
    unit = 2.0**-128
    rows = [a_row(after(second), x=0.75 * unit) for second in (1, 2, 3)]
    tiny = [a_row(after(second), x=5e-324) for second in (1, 2, 3)]
    assert answer(a_view(f=total("x", over="1h")), rows, after(60)) == 3 * unit
    assert answer(a_view(f=total("x", over="1h")), tiny, after(60)) == 0.0
    assert answer(a_view(f=smallest("x", over="1h")), tiny, after(60)) == 5e-324


def test_a_sum_is_exact_and_rounded_once_whatever_cancels() -> None:
    def rows(*values: float) -> Sequence[dict[str, Any]]:
        return [a_row(after(second), x=value) for second, value in enumerate(values)]

    view = a_view(f=total("x", over="1h"))
    assert answer(view, rows(1e18, 1.0, -1e18), after(60)) == 1.0
    assert answer(view, rows(*[0.1] * 10), after(60)) == 1.0
    assert answer(a_view(f=var("x", over="1h")), rows(1e9, 1e9 + 1, 1e9 + 2), after(60)) == 1.0


# The online store


@pytest.mark.parametrize(
    ("known", "window", "grace"),
    [
        (None, "5min", timedelta(hours=1)),
        ("arrived", "1h", timedelta(hours=1)),
        (Delay("2h"), "14d", timedelta(days=1)),
        (Weekly(on="monday"), "14d", timedelta(days=7)),
    ],
    ids=["an hour at least", "of rows that come late too", "the longest hop", "a week"],
)
def test_reads_are_exact_down_to_the_grace_and_null_before_it(
    known: KnownRule, window: str, grace: timedelta
) -> None:
    view = a_view(known, rows=count(over=window), **latest("x"))
    rows = [a_row(NOON - timedelta(days=30), arrived=NOON, x=1.0), a_row(NOON, arrived=NOON, x=2.0)]
    happened_us, known_us = (
        int(times.values[0].astype("int64"))
        for times in (column(Timestamp, [NOON]), view.source.known_times(as_columns(rows[1:], SCHEMA)))
    )
    seen_from = NOON + timedelta(microseconds=max(1, known_us - happened_us))
    store, table = MemoryOnlineStore(), as_columns(rows, SCHEMA)
    materialize(view, table, sequence=1, store=store)
    times = [seen_from - grace - MICROSECOND, seen_from - grace, seen_from]
    asked = {"place": column(String, ["Oslo"] * 3), "at": column(Timestamp, times)}
    offline = join_features(asked, [view], {"readings": table}, "at")
    online, freshness = read_views([view], asked, asked["at"], store)
    for name, expected in offline.items():
        assert online[name].to_list() == [None, *expected.to_list()[1:]]
    assert freshness["readings"][0] is None
    assert freshness["readings"][2] == NOON
