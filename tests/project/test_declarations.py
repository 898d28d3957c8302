"""Declarations are checked when they are made; a message names the object and the nearest right name."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tidemill import (
    Delay,
    Entity,
    Expr,
    FeatureView,
    Float,
    Improves,
    Int,
    Model,
    Monitor,
    Observations,
    Project,
    Retrain,
    Slices,
    Source,
    String,
    TimeSplit,
    Timestamp,
    Type,
    Weekly,
    col,
    count,
    latest,
    mean,
    rate,
    sum,  # noqa: A004  # the public name
    unique,
)
from tidemill.errors import DeclarationError, NotFound
from tidemill.expressions import column

SCHEMA = {
    "flight_id": String,
    "carrier": String,
    "origin": String,
    "scheduled_at": Timestamp,
    "landed_at": Timestamp,
    "dep_delay": Float,
    "arr_delay": Float,
    "seats": Int,
}


def a_source(**changes: Any) -> Source:
    settings: dict[str, Any] = {
        "schema": SCHEMA,
        "key": ["flight_id"],
        "timestamp": "scheduled_at",
        "known": Weekly(on="monday"),
    }
    return Source("flights", **{**settings, **changes})


FLIGHTS = a_source()
ORIGIN = Entity("origin", ["origin"])


def a_view(features: Any = None, **changes: Any) -> FeatureView:
    settings: dict[str, Any] = {"entity": ORIGIN, "source": FLIGHTS}
    return FeatureView(
        "delays", features=features or {"delay_14d": mean("dep_delay", over="14d")}, **{**settings, **changes}
    )


def observations(**changes: Any) -> Observations:
    settings: dict[str, Any] = {
        "key": "flight_id",
        "time": col("scheduled_at"),
        "request": ["origin", "carrier", "scheduled_at"],
    }
    return Observations(FLIGHTS, **{**settings, **changes})


def a_model(*features: Any, **changes: Any) -> Model:
    settings: dict[str, Any] = {
        "observations": observations(),
        "label": col("arr_delay") > 15,
        "features": features or [a_view(), "carrier"],
        "estimator": object,
    }
    return Model("late", **{**settings, **changes})


def feature(expr: Expr) -> dict[str, Expr]:
    return {"made": expr}


MISTAKES: list[tuple[Callable[[], object], str]] = [
    (
        lambda: a_source(timestamp="schedled_at"),
        "source `flights`: unknown timestamp `schedled_at` in its schema; did you mean `scheduled_at`?",
    ),
    (lambda: a_source(timestamp="origin"), "timestamp `origin` is string, not timestamp"),
    (lambda: a_source(key="flight_id"), "give a list"),
    (lambda: a_source(key=["id"]), "unknown key column `id`"),
    (lambda: a_source(known="arr_delay"), "known column `arr_delay` is float"),
    (
        lambda: a_source(checks=[col("arr_dely") > 0]),
        "unknown column `arr_dely` in source `flights`; did you mean `arr_delay`?",
    ),
    (lambda: a_source(checks=[col("arr_delay") + 1]), "a check is true or false"),
    (lambda: a_source(checks=[unique("fligt_id")]), "did you mean `flight_id`?"),
    (lambda: a_source(tolerance=2), "tolerance is 2"),
    (lambda: a_source(schema={"x": float}), "column `x` has"),
    (lambda: Weekly(on="mondy"), "did you mean `monday`?"),
    (lambda: Weekly(on="monday", at="25:00"), "not a time of day"),
    (lambda: Delay("0h"), "is no time at all"),
    (lambda: Entity("Origin", ["origin"]), "a name is lower-case"),
    (lambda: Entity("origin", []), "give a list"),
    (lambda: mean("dep_delay", over="0d"), "is no time at all"),
    (lambda: mean("dep_delay", over="14 fortnights"), "unknown unit `fortnights`"),
    (lambda: mean("dep_delay", over="1h", hop="2h"), "longer than the window"),
    (
        lambda: a_view(entity=Entity("origin", ["orign"])),
        "unknown key of entity `origin` `orign` in source `flights`; did you mean `origin`?",
    ),
    (
        lambda: a_view(entity=Entity("delay", ["dep_delay"])),
        "key `dep_delay` is float; numbers that should be the same",
    ),
    (
        lambda: a_view({"m": mean("dep_dely", over="14d")}),
        "feature `m`: unknown column `dep_dely` in source `flights`; did you mean `dep_delay`?",
    ),
    (lambda: a_view({"m": mean("origin", over="14d")}), 'mean of `col("origin")` is of a string'),
    (lambda: a_view({"m": rate("dep_delay", over="14d")}), 'rate of `col("dep_delay")` is of a float'),
    (lambda: a_view({"origin": count(over="1d")}), "two features or keys are named `origin`"),
    (lambda: a_view(ttl="soon"), "view `delays`: ttl: 'soon' is not a length of time"),
    (
        lambda: observations(request=["orign"]),
        "unknown request column `orign` in its schema; did you mean `origin`?",
    ),
    (lambda: observations(time=col("origin")), "is not a timestamp"),
    (lambda: a_model("arr_delay"), "feature `arr_delay` reads `arr_delay`, which is part of the label"),
    (lambda: a_model(feature(col("arr_delay") / 2)), "which is part of the label"),
    (lambda: a_model("dep_delay"), "reads `dep_delay`, which is not a request column: it can not be known"),
    (lambda: a_model(feature(col("dep_delay") > 3)), "which is not a request column: it can not be known"),
    (
        lambda: a_model(feature(col("orign").length())),
        "unknown column `orign` in source `flights`; did you mean `origin`?",
    ),
    (
        lambda: a_model(observations=observations(time=col("landed_at"))),
        "reads `landed_at`, which is not a request column",
    ),
    (
        lambda: a_model(observations=observations(request=["origin", "arr_delay", "scheduled_at"])),
        "`arr_delay` is the label's column",
    ),
    (lambda: a_model(label=col("arr_delay")), "is not true or false"),
    (lambda: a_model(a_view(), {"delay_14d": col("carrier").length()}), "two features are named `delay_14d`"),
    (
        lambda: a_model(a_view(entity=Entity("seats", ["seats"]))),
        "needs the key `seats`, which is not a request column",
    ),
    (lambda: a_model("scheduled_at"), "feature `scheduled_at` is a timestamp"),
    (lambda: a_model(metric="auc"), "did you mean `roc_auc`?"),
    (lambda: a_model(gates=[Slices("carier", max_drop=0.1)]), "did you mean `carrier`?"),
    (lambda: a_model(search={"max_iter": []}), "give a list of values"),
    (lambda: a_model(3), "is not a view, a request column"),
    (lambda: TimeSplit(validation="7 d", test="-1d"), "is not a length of time"),
    (lambda: Monitor(every="7d", window="1d"), "leaves rows unwatched"),
    (lambda: Retrain(on=["drft"]), "did you mean `drift`?"),
    (lambda: Retrain(on=["rows"]), "min_rows go together"),
    (lambda: Retrain(budget_per_day=0), "at least 1"),
    (
        lambda: Project("p", sources=[], models=[a_model()]),
        "source `flights` is used but not among its sources",
    ),
    (lambda: Project("p", sources=[FLIGHTS, a_source()], models=[]), "two sources are named `flights`"),
]


@pytest.mark.parametrize(("make", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_is_refused_with_its_name_and_the_way_out(make: Callable[[], object], message: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        make()
    assert message in str(caught.value)


def times(*texts: str) -> np.ndarray[Any, Any]:
    return column(Timestamp, list(texts)).values


def test_weekly_knows_a_row_at_the_next_boundary_and_one_on_it_a_week_later() -> None:
    known = FLIGHTS.known_at(
        times("2013-01-06T23:59:59.999999Z", "2013-01-07T00:00:00Z", "2013-01-01T12:00:00Z")
    )
    assert (known == times("2013-01-07", "2013-01-14", "2013-01-07")).all()
    noon = a_source(known=Weekly(on="thursday", at="12:30"))
    assert (
        noon.known_at(times("1970-01-01T12:29:00Z", "1969-12-25T12:30:00Z")) == times("1970-01-01T12:30")
    ).all()


def test_delay_column_and_default_say_when_a_row_is_known() -> None:
    moment = times("2013-01-06T12:00:00Z")
    assert (a_source(known=Delay("2h")).known_at(moment) == times("2013-01-06T14:00")).all()
    assert (a_source(known=None).known_at(moment) == moment).all()
    by_column = a_source(known="landed_at")
    rows = {"landed_at": column(Timestamp, ["2013-01-06T15:00:00Z"])}
    assert (by_column.known_times(rows).values == times("2013-01-06T15:00")).all()
    with pytest.raises(DeclarationError, match="known_times"):
        by_column.known_at(moment)


def test_a_model_lists_its_inputs_in_declared_order_with_their_types() -> None:
    view = a_view({"delay_14d": mean("dep_delay", over="14d"), "n": count(over="1d"), **latest("seats")})
    model = a_model(view, "carrier", {"hour": col("scheduled_at").hour()}, gates=[Improves()])
    assert model.input_types == {
        "delay_14d": Type.FLOAT,
        "n": Type.INT,
        "seats": Type.INT,
        "carrier": Type.STRING,
        "hour": Type.INT,
    }
    assert list(model.input_types) == ["delay_14d", "n", "seats", "carrier", "hour"]
    assert model.views == (view,)


def test_a_view_has_another_version_when_its_meaning_changes_and_only_then() -> None:
    base = a_view()
    assert a_view().version == base.version
    others = [
        a_view({"delay_14d": mean("dep_delay", over="15d")}),
        a_view({"delay_14d": sum("dep_delay", over="14d")}),
        a_view({"delay_14d": mean("arr_delay", over="14d")}),
        a_view({"delay_14d": mean("dep_delay", over="14d", hop="1h")}),
        a_view(source=a_source(known=None)),
        a_view(ttl="1d"),
    ]
    assert len({base.version, *(other.version for other in others)}) == 7


def test_a_project_finds_its_parts_by_name() -> None:
    model = a_model()
    project = Project("flights", sources=[FLIGHTS], models=[model])
    assert project.source("flights") is FLIGHTS
    assert project.model("late") is model
    assert project.views_of("flights") == model.views
    with pytest.raises(NotFound, match="did you mean `late`"):
        project.model("lat")
    with pytest.raises(NotFound, match="did you mean `flights`"):
        project.source("flight")


@pytest.mark.parametrize(
    ("was", "says"),
    [
        ({"destination": "dest"}, "renamed column `destination`"),
        ({"at": "id"}, "`at` was `id`, which is a column still"),
    ],
)
def test_a_renaming_names_a_column_that_is_and_one_that_is_no_more(was: dict[str, str], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        Source("taxi", {"id": String, "at": Timestamp}, ["id"], "at", was=was)
