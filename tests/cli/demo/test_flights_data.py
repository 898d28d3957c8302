"""The demo's data is the package's data: nothing lost, nothing twice, every moment in UTC."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cli.demo.flights_data import (
    ATLANTIC_ZONE,
    FLIGHT_COLUMNS,
    FlightsData,
    arrival_monday,
    package_files,
    prepare,
    scheduled_arrival,
)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder to prepare the data in."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def data(cache: Path) -> FlightsData:
    """Prepare the data."""
    return prepare(cache)


def test_every_flight_of_the_year_is_there_once(data: FlightsData) -> None:
    """336,776 flights with an id of their own, in order of departure."""
    assert len(data.flights) == 336_776
    assert data.flights["flight_id"].is_unique
    assert data.flights["scheduled_at"].is_monotonic_increasing
    assert tuple(data.flights.columns) == FLIGHT_COLUMNS


def test_the_weekly_files_hold_every_flight_in_the_week_it_landed(data: FlightsData) -> None:
    """A file that arrives on a Monday holds what landed in the seven days before it, and all of it."""
    total = 0
    for week in data.weeks:
        landed = pd.read_parquet(week.path, columns=["landed_at"])["landed_at"]
        total += len(landed)
        assert week.arrives_at.weekday() == 0
        assert landed.lt(week.arrives_at).all()
        assert landed.ge(week.arrives_at - pd.Timedelta(days=7)).all()
    assert total == len(data.flights)


def test_landing_times_are_what_the_clocks_at_the_destinations_showed(data: FlightsData) -> None:
    """Back in local time, `landed_at` is the package's `arr_time`, which is independent of how we made it."""
    raw = pd.read_csv(package_files() / "flights.csv.zip")
    date = (raw["year"] * 10_000 + raw["month"] * 100 + raw["day"]).astype(str)
    raw["flight_id"] = date + "-" + raw["carrier"] + raw["flight"].astype(str) + "-" + raw["origin"]
    airports = pd.read_csv(package_files() / "airports.csv").set_index("faa")["tzone"]
    both = data.flights[["flight_id", "landed_at", "dest", "arr_delay"]].merge(
        raw[["flight_id", "arr_time"]], on="flight_id"
    )
    both = both[both["arr_delay"].notna()]
    agreeing = 0
    for zone, rows in both.groupby(both["dest"].map(airports).fillna(ATLANTIC_ZONE)):
        local = rows["landed_at"].dt.tz_convert(str(zone))
        shown = (local.dt.hour * 100 + local.dt.minute).to_numpy()
        agreeing += int(np.sum(shown == rows["arr_time"].to_numpy() % 2400))
    assert agreeing / len(both) > 0.999


def test_no_flight_lands_before_it_leaves(data: FlightsData) -> None:
    """An arrival after midnight is on the next day."""
    assert (data.flights["landed_at"] > data.flights["scheduled_at"]).all()


def test_the_hour_left_out_and_the_hour_that_comes_twice_have_a_moment() -> None:
    """Clocks that jump do not break a year of data."""
    departs = pd.Series(pd.to_datetime(["2013-03-10T05:00Z", "2013-11-03T04:00Z"]))
    arrives = scheduled_arrival(departs, pd.Series([230, 130]), pd.Series(["America/New_York"] * 2))
    assert [moment.isoformat() for moment in arrives] == [
        "2013-03-10T07:00:00+00:00",
        "2013-11-03T05:30:00+00:00",
    ]


def test_a_moment_at_monday_midnight_belongs_to_the_week_that_begins() -> None:
    """The week is half open, so no row is in two files."""
    moments = pd.Series(pd.to_datetime(["2013-01-07T00:00Z", "2013-01-06T23:59Z"]))
    assert arrival_monday(moments).dt.strftime("%m-%d").tolist() == ["01-14", "01-07"]


def test_the_planes_are_listed_before_the_first_flight(data: FlightsData) -> None:
    """What the register says of an aircraft is known from the year's first departure on."""
    planes = pd.read_parquet(data.planes)
    assert len(planes) == 3_322
    assert planes["listed_at"].max() < data.flights["scheduled_at"].min()


def test_a_second_preparation_reads_the_first_ones_files(cache: Path, data: FlightsData) -> None:
    """Preparing twice writes once."""
    before = data.weeks[0].path.stat().st_mtime_ns
    assert prepare(cache).weeks[0].path.stat().st_mtime_ns == before
