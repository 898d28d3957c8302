"""What changed in a view is said by name; nothing that changes its version is left out."""

from dataclasses import replace

from hypothesis import given

from tests.features.histories import ENTITY, SCHEMA, views
from tidemill import FeatureView, Source, col, count, latest, mean
from tidemill.features.definitions import define
from tidemill.features.differences import differences
from tidemill.project.views import Feature

SOURCE = Source("events", SCHEMA, ["shop"], "at")


def view(features: dict[str, Feature], ttl: str | None = None) -> FeatureView:
    return FeatureView("things", ENTITY, SOURCE, features, ttl=ttl)


def test_a_version_does_not_differ_from_itself() -> None:
    one = define(view({"rows": count(over="1h")}))
    assert differences(one, one) == []


def test_features_that_came_went_and_changed_are_named_with_what_they_are() -> None:
    old = define(view({"gone": count(over="1h"), "x_mean": mean("x", over="14d")}))
    new = define(view({"x_mean": mean("x", over="28d"), **latest("word")}, ttl="1d"))
    assert [tuple(each) for each in differences(old, new)] == [
        ("ttl", None, "1d"),
        ("gone", 'count(over="1h", hop="5min"): int', None),
        ("word", None, 'latest(col("word")): string'),
        (
            "x_mean",
            'mean(col("x"), over="14d", hop="1d"): float',
            'mean(col("x"), over="28d", hop="1d"): float',
        ),
    ]


def test_another_order_is_another_version_and_is_said() -> None:
    a, b = count(over="1h"), mean(col("x") + 1, over="1h")
    (only,) = differences(define(view({"a": a, "b": b})), define(view({"b": b, "a": a})))
    assert tuple(only) == ("order of features", "a, b", "b, a")


@given(one=views(), other=views())
def test_versions_differ_exactly_where_something_is_said_to(one: FeatureView, other: FeatureView) -> None:
    old, new = define(one), define(replace(other, name=one.name))
    assert bool(differences(old, new)) == (old.version != new.version)
