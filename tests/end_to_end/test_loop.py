"""The loop turns: upload, commit, online store, training, promotion, predictions, monitor, retraining."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli.demo.flights_data import FlightsData
from cli.demo.system import LocalSystem
from tidemill.registry.aliases import CHAMPION, history
from tidemill.registry.runs import list_runs
from tidemill.registry.versions import get_version

pytestmark = pytest.mark.end_to_end

N_ROWS = 300
MIN_ROWS = 50


@dataclass
class March:
    """What was seen while March passed."""

    asked: pd.DataFrame
    before: dict[str, Any]
    after_early_rows: dict[str, Any]
    next_week_before: dict[str, Any]
    next_week_after: dict[str, Any]
    odd: dict[str, Any]
    reports: list[dict[str, Any]]
    decisions: list[dict[str, Any]]


def departures(data: FlightsData, day: str, n_rows: int) -> pd.DataFrame:
    """Return the first flights of a day (UTC)."""
    on_day = data.flights["scheduled_at"].dt.strftime("%Y-%m-%d") == day
    found: pd.DataFrame = data.flights.loc[on_day].head(n_rows)
    return found


@pytest.fixture(scope="module")
def march(system: LocalSystem, data: FlightsData, tmp_path_factory: pytest.TempPathFactory) -> March:
    """Let March pass: half of the first week's file comes early, and at the end the weather is odd."""
    weeks = {f"{week.arrives_at:%m-%d}": week.path for week in data.weeks}
    early, monday = halves(weeks["03-04"], tmp_path_factory.mktemp("march"))

    friday, tuesday = departures(data, "2013-03-01", N_ROWS), departures(data, "2013-03-05", N_ROWS)
    before, next_week_before = system.predict(friday), system.predict(tuesday, version=1)
    system.upload("flights", early)
    after_early_rows, next_week_after = system.predict(friday), system.predict(tuesday, version=1)
    system.control.advance_to(pd.Timestamp("2013-03-04", tz="UTC"))
    system.upload("flights", monday)
    # Past the cooldown of four weeks after the first training.
    system.control.advance_to(pd.Timestamp("2013-03-28", tz="UTC"))
    system.upload("flights", weeks["03-11"], weeks["03-18"], weeks["03-25"])
    normal = departures(data, "2013-03-28", 900)
    odd = system.predict(
        normal.assign(temp=normal["temp"] + 60.0, wind_speed=normal["wind_speed"] * 4, visib=0.5)
    )
    system.control.advance_to(pd.Timestamp("2013-03-31", tz="UTC"))
    return March(
        friday,
        before,
        after_early_rows,
        next_week_before,
        next_week_after,
        odd,
        system.documents("REPORT#"),
        system.documents("DECISION#"),
    )


def halves(file: Path, folder: Path) -> tuple[Path, Path]:
    """Split a Parquet file into two, every other row each."""
    rows = pd.read_parquet(file)
    parts = folder / "early.parquet", folder / "monday.parquet"
    for start, part in enumerate(parts):
        rows.iloc[start::2].to_parquet(part, index=False)
    return parts


def test_the_first_model_went_through_every_step_and_into_service(system: LocalSystem) -> None:
    """The run holds what each step answered, and its version passed every gate."""
    [first] = [
        run for run in list_runs(system.deployment.documents, system.model) if run.reason["kind"] == "first"
    ]
    assert (first.status, first.version, first.promoted) == ("finished", 1, True)
    assert {
        "pin_dataset",
        "build_training_set",
        "select_candidate",
        "evaluate_candidate",
        "check_gates",
    } <= set(first.steps)
    version = get_version(system.deployment.documents, system.model, 1)
    assert version.passed
    assert version.run_id == first.run_id
    assert history(system.deployment.documents, system.model, CHAMPION)[-1].version == 1


def test_predictions_are_answered_row_by_row(march: March) -> None:
    """Each row has a probability, an id of its own, and says how fresh each view was."""
    predictions = march.before["predictions"]
    assert len(predictions) == len(march.asked)
    assert len({one["id"] for one in predictions}) == len(predictions)
    assert all(0.0 <= one["probability"] <= 1.0 for one in predictions)
    assert all(one["freshness"] for one in predictions)


def test_served_predictions_are_recorded_once_and_version_1_on_request_is_not(
    system: LocalSystem, march: March
) -> None:
    """The predictions table has every served row, by the id its caller was told, and no other."""
    recorded = system.deployment.tables.rows(f"predictions_{system.model}").to_pandas()
    served = {one["id"] for one in march.odd["predictions"]}
    found = recorded[recorded["id"].isin(served)]
    assert len(found) == len(served) == len(march.odd["predictions"])
    asked_by_version = {one["id"] for one in march.next_week_before["predictions"]}
    assert not asked_by_version & set(recorded["id"])


def test_flights_of_the_same_week_change_nothing_however_early_they_are_uploaded(march: March) -> None:
    """What is known when is declared: Friday's features see no flight of Friday's week, to the last bit."""
    probabilities = [
        [one["probability"] for one in answer["predictions"]]
        for answer in (march.before, march.after_early_rows)
    ]
    assert probabilities[0] == probabilities[1]


def test_flights_of_the_week_before_are_seen_from_monday_on(march: March) -> None:
    """The same rows do change what is said of the Tuesday after: they are known by then."""
    before, after = (
        [one["probability"] for one in answer["predictions"]]
        for answer in (march.next_week_before, march.next_week_after)
    )
    assert before != after


def test_the_monitor_reported_every_day_by_its_schedule(march: March) -> None:
    """One report a day; each has a verdict, but where there were too few predictions to say."""
    ends = [report["window_end"] for report in march.reports]
    assert ends == [f"2013-03-{day:02}T00:00:00Z" for day in range(1, 31)]
    assert all((report["drift"] is None) == (report["rows"] < MIN_ROWS) for report in march.reports)


def test_odd_weather_is_drift_in_the_features_that_are_odd(march: March) -> None:
    """The report after it names them."""
    [first] = [report for report in march.reports if report["window_end"] == "2013-03-29T00:00:00Z"]
    assert first["drift"]
    assert {"temp", "wind_speed"} <= set(first["drifted_features"])


def test_each_report_has_a_decision_and_drift_has_one_retraining(system: LocalSystem, march: March) -> None:
    """The ledger says why, and the run carries the reason."""
    assert len(march.decisions) == len(march.reports)
    [decision] = [one["decision"] for one in march.decisions if one["decision"]["retrain"]]
    runs = {run.run_id: run for run in list_runs(system.deployment.documents, system.model)}
    run = runs[decision["run_id"]]
    assert run.status == "finished", run.failure
    assert run.reason == decision["reason"]
    assert run.version == 2


def test_nothing_of_it_is_dead(system: LocalSystem, march: March) -> None:
    """No message failed for good on the way."""
    assert march.reports
    assert set(system.dead_letters().values()) == {0}
