"""The bundled project: what it asks, and that no answer can lean on what was not known yet."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projects.flights import late_arrival, project
from projects.flights.clock import new_york_hour, new_york_weekday
from projects.flights.sources import flights, planes
from tidemill import Type, col, load_project
from tidemill.errors import DeclarationError
from tidemill.expressions import Column, Columns, column, evaluate
from tidemill.features.offline import join_features

MONDAY = datetime(2013, 3, 4, tzinfo=UTC)
moments = st.datetimes(datetime(2013, 1, 1), datetime(2020, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


def flight(
    day: float, *, arr_delay: float | None = 20.0, dep_delay: float | None = 10.0
) -> dict[str, object]:
    """Return a flight that left ``day`` days after the Monday and landed two hours later."""
    left = MONDAY + timedelta(days=day)
    return {
        "flight_id": f"at-{day}",
        "carrier": "UA",
        "tailnum": "N1",
        "origin": "EWR",
        "dest": "SFO",
        "scheduled_at": left,
        "landed_at": left + timedelta(hours=2),
        "dep_delay": dep_delay,
        "arr_delay": arr_delay,
    }


def as_columns(rows: list[dict[str, object]]) -> Columns:
    return {name: column(type_, [row.get(name) for row in rows]) for name, type_ in flights.schema.items()}


def features_at(asked: dict[str, object], history: list[dict[str, object]]) -> dict[str, Column]:
    register = {name: column(type_, []) for name, type_ in planes.schema.items()}
    rows = {"flights": as_columns(history), "planes": register}
    return join_features(as_columns([asked]), late_arrival.views, rows, "scheduled_at")


def test_the_project_is_found_by_its_name() -> None:
    assert load_project("flights") is project


def test_a_feature_sees_the_weeks_before_and_nothing_of_its_own_week() -> None:
    asked = flight(3.0)
    history = [flight(-3.0), flight(-10.0, arr_delay=0.0)]
    same_week = [flight(0.5, arr_delay=500.0, dep_delay=500.0), flight(2.9, arr_delay=500.0, dep_delay=500.0)]
    without, beside = features_at(asked, history), features_at(asked, [*history, *same_week, asked])
    assert without["origin_late_rate_14d"].values[0] == 0.5
    for name, values in without.items():
        assert values.valid[0] == beside[name].valid[0], name
        assert not values.valid[0] or values.values[0] == beside[name].values[0], name


def test_a_flight_that_lands_after_the_week_it_left_in_is_known_a_week_later() -> None:
    overnight = flight(-0.05, arr_delay=300.0)  # left on Sunday evening, landed on Monday
    assert not features_at(flight(1.0), [overnight])["origin_late_rate_14d"].valid[0]
    assert features_at(flight(8.0), [overnight])["origin_late_rate_14d"].values[0] == 1.0


def test_what_happens_on_the_way_can_not_be_declared_a_feature() -> None:
    for name in ("dep_delay", "arr_delay", "air_time", "landed_at"):
        with pytest.raises(DeclarationError, match=f"`{name}`"):
            replace(late_arrival, features=[*late_arrival.features, name])


def test_the_label_can_not_come_with_the_request() -> None:
    observations = late_arrival.observations
    leaking = replace(observations, request=[*observations.request, "arr_delay"])
    with pytest.raises(DeclarationError, match="arr_delay"):
        replace(late_arrival, observations=leaking)


def test_a_flight_that_never_arrived_is_nothing_to_learn_from() -> None:
    label = evaluate(late_arrival.label, as_columns([flight(0, arr_delay=None), flight(1, arr_delay=15.0)]))
    assert label.valid.tolist() == [False, True]
    assert label.values[1] == np.False_


@given(moments)
def test_the_clock_is_new_yorks_but_on_the_sundays_it_is_put_forward_or_back(moment: datetime) -> None:
    here = moment.astimezone(ZoneInfo("America/New_York"))
    day = {"t": column(Type.TIMESTAMP, [moment])}
    first, last = ((moment + timedelta(days=days)).astimezone(here.tzinfo).utcoffset() for days in (-1, 1))
    if first == last:
        assert evaluate(new_york_hour(col("t")), day).values[0] == here.hour
        assert evaluate(new_york_weekday(col("t")), day).values[0] == here.weekday()


def test_every_input_of_the_estimator_is_a_number() -> None:
    assert Type.STRING not in late_arrival.input_types.values()
