"""A definition is described in the words it was declared in."""

import pytest

from tidemill import Delay, Weekly, col
from tidemill.expressions import Expr
from tidemill.features.descriptions import describe_feature, describe_known, describe_length


@pytest.mark.parametrize(
    "day", ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
)
def test_a_weekly_rule_is_described_by_its_day_and_time(day: str) -> None:
    known = Weekly(on=day, at="23:59").expression("at")
    assert describe_known(known) == f'Weekly(on="{day}", at="23:59") after at'


@pytest.mark.parametrize(
    ("known", "described"),
    [
        (Delay("36h").expression("at"), 'Delay("36h") after at'),
        (Delay("2w").expression("at"), 'Delay("14d") after at'),
        (col("arrived_at"), "arrived_at"),
        ((col("at").hour() > 5), '(hour(col("at")) > 5)'),
    ],
)
def test_a_rule_a_column_and_any_other_expression_are_told_apart(known: Expr, described: str) -> None:
    assert describe_known(known) == described


def test_a_length_is_never_rounded() -> None:
    assert describe_length(365 * 86_400) == "365d"
    assert describe_length(86_401) == "86401s"


def test_a_count_of_rows_is_taken_of_nothing_and_a_bounded_one_says_its_bound() -> None:
    window = {"type": "int", "window_seconds": 3600, "hop_seconds": 300}
    assert describe_feature({**window, "kind": "count", "value": None}) == 'count(over="1h", hop="5min"): int'
    bounded = {**window, "kind": "distinct", "value": col("word").to_json(), "at_most": 50}
    assert describe_feature(bounded) == 'distinct(col("word"), over="1h", hop="5min", at_most=50): int'
