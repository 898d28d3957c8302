"""The demo asks about the same flights each time, spread over the days, as a caller would."""

import json
from datetime import datetime

import pandas as pd
import pytest

from cli.demo.sample import ROWS_A_DAY, daily_sample, request_rows

FIRST = pd.Timestamp("2013-03-01", tz="UTC")


@pytest.fixture
def flights() -> pd.DataFrame:
    """Three days, the last with few flights; every tenth flight never arrived."""
    times = [
        *pd.date_range(FIRST, periods=300, freq="4min"),
        *pd.date_range(FIRST + pd.Timedelta(days=1), periods=300, freq="4min"),
        *pd.date_range(FIRST + pd.Timedelta(days=2), periods=5, freq="4min"),
    ]
    frame = pd.DataFrame({"scheduled_at": times})
    frame["flight_id"] = [f"f{number}" for number in range(len(frame))]
    frame["arr_delay"] = [None if number % 10 == 0 else float(number % 40) for number in range(len(frame))]
    return frame


def test_each_day_gives_the_same_number_or_all_it_has(flights: pd.DataFrame) -> None:
    """A day with fewer flights gives all of them, and nothing is drawn twice."""
    drawn = daily_sample(flights, FIRST, FIRST + pd.Timedelta(days=3), seed=1)
    assert drawn.groupby("day").size().tolist() == [ROWS_A_DAY, ROWS_A_DAY, 5]
    assert drawn["flight_id"].is_unique
    assert drawn["scheduled_at"].is_monotonic_increasing


def test_a_month_has_at_least_two_thousand_rows() -> None:
    """The shortest month of the replay keeps the promise."""
    assert ROWS_A_DAY * 30 * 0.95 > 2_000


def test_the_draw_is_the_seeds(flights: pd.DataFrame) -> None:
    """Two demos score the same flights; another seed, others."""
    end = FIRST + pd.Timedelta(days=2)
    first, again, other = (daily_sample(flights, FIRST, end, seed=seed) for seed in (1, 1, 2))
    assert first["flight_id"].tolist() == again["flight_id"].tolist() != other["flight_id"].tolist()


def test_a_flight_that_never_arrived_has_no_label(flights: pd.DataFrame) -> None:
    """Late is more than fifteen minutes; never is neither late nor not."""
    drawn = daily_sample(flights, FIRST, FIRST + pd.Timedelta(days=3), seed=1)
    assert drawn["label"].isna().equals(drawn["arr_delay"].isna())
    known = drawn[drawn["label"].notna()]
    assert (known["label"] == 1).equals(known["arr_delay"] > 15)


def test_a_request_says_what_a_caller_knows_and_nothing_more(flights: pd.DataFrame) -> None:
    """Only the columns asked for, times in RFC 3339 with Z, null for what is not known."""
    rows = request_rows(flights.assign(wind_gust=None).head(2), ["flight_id", "scheduled_at", "wind_gust"])
    assert list(rows[0]) == ["flight_id", "scheduled_at", "wind_gust"]
    assert rows[0]["wind_gust"] is None
    assert rows[0]["scheduled_at"].endswith("Z")
    assert datetime.fromisoformat(rows[1]["scheduled_at"]) == flights["scheduled_at"].iloc[1]
    assert json.dumps(rows, allow_nan=False)
