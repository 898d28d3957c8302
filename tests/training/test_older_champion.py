"""A champion from before its sources were declared anew is held against its challengers like any other."""

from dataclasses import replace
from typing import Any

import pytest

from tests.training.toy import Laboratory, long_trip, trip_rows, trips, upload, upload_zones, zone_record
from tidemill import FeatureView, Float, Int, Model, Source, col, last, mean, rate
from tidemill.datasets.arrow import arrow_schema
from tidemill.expressions import column
from tidemill.registry.versions import get_version

AT = "2024-02-26T00:00:00Z"
INTEGERS = replace(trips, schema={**trips.schema, "rain": Int, "minutes": Int})
RENAMED = {"rain": "wet", "wet": "downpour", "minutes": "took", "took": "lasted"}


def model_of(source: Source, *, minutes: str = "minutes", rain: str = "rain") -> Model:
    """Return the toy's model, whose views and request read both columns."""
    view = FeatureView(
        "zone_trips",
        long_trip.views[0].entity,
        source,
        {
            "zone_minutes_14d": mean(minutes, over="14d"),
            "zone_long_rate_28d": rate(col(minutes) > 20, over="28d"),
            "zone_minutes": last(minutes, over="28d"),
        },
    )
    observed = replace(long_trip.observations, source=source, request=["zone", "started_at", rain])
    hour = {"hour": col("started_at").hour()}
    return replace(
        long_trip,
        observations=observed,
        label=col(minutes) > 20,
        features=[view, zone_record, "zone", rain, hour],
    )


def whole(rows: dict[str, Any]) -> dict[str, Any]:
    """Return trips of whole minutes and rain."""
    return {
        name: column(Int, [None if value is None else int(value) for value in each.to_list()])
        if name in {"rain", "minutes"}
        else each
        for name, each in rows.items()
    }


def renamed(source: Source, **was: str) -> Source:
    """Return a source some of whose columns have other names."""
    new = {old: name for name, old in was.items()}
    return replace(
        source, schema={new.get(name, name): each for name, each in source.schema.items()}, was=was
    )


def champion_of(lab: Laboratory) -> Laboratory:
    """Train a first version over integers."""
    upload_zones(lab.tables)
    upload(lab.tables, INTEGERS, whole(trip_rows(56)), "trips")
    assert lab.run("r1", at=AT)["promote_model"]["promoted"]
    return lab


@pytest.mark.parametrize("happens", ["renamed", "renamed twice", "widened", "renamed and widened"])
def test_a_champion_sees_the_test_rows_by_the_names_and_types_it_was_trained_by(happens: str) -> None:
    """Its figure is the one it had: the rows are the same."""
    lab = champion_of(Laboratory(model=model_of(INTEGERS)))
    source, minutes, rain = INTEGERS, "minutes", "rain"
    if "widened" in happens:
        source = replace(source, schema={**source.schema, "rain": Float, "minutes": Float})
    for _ in range(happens.count("renamed") + happens.count("twice")):
        source = renamed(source, **{RENAMED[minutes]: minutes, RENAMED[rain]: rain})
        lab.tables.ensure("trips", arrow_schema(source.schema), was=source.was)
        minutes, rain = RENAMED[minutes], RENAMED[rain]
    lab.tables.ensure("trips", arrow_schema(source.schema), was=source.was)
    state = replace(lab, model=model_of(source, minutes=minutes, rain=rain)).run("r2", at=AT)
    built = state["build_training_set"]
    assert built["incomparable"] is None
    assert built["champion_matrix"] is not None
    (improves,) = (gate for gate in state["check_gates"]["gates"] if gate["gate"] == "improves")
    ours = get_version(lab.documents, "long_trip", 1).metrics["roc_auc"]
    assert improves["figures"]["champion"] == pytest.approx(ours, abs=1e-12)


def test_a_champion_that_needs_what_no_source_ever_had_is_said_to_be_incomparable() -> None:
    lab = champion_of(Laboratory(model=model_of(INTEGERS)))
    tables = Laboratory().tables
    other = replace(lab, tables=tables, model=model_of(renamed(INTEGERS, wet="rain"), rain="wet"))
    source = other.model.observations.source
    upload_zones(tables)
    rows = {{"rain": "wet"}.get(name, name): each for name, each in whole(trip_rows(56)).items()}
    upload(tables, replace(source, was={}), rows, "trips")
    built = other.run("r2", at=AT, until="build_training_set")["build_training_set"]
    assert "no column `rain`" in built["incomparable"]
