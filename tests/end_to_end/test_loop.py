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


@dataclass
class Week:
    """What was seen while the first week of March passed."""

    asked: pd.DataFrame
    before: dict[str, Any]
    after_early_rows: dict[str, Any]
    next_week_before: dict[str, Any]
    next_week_after: dict[str, Any]
    reports: list[dict[str, Any]]
    decisions: list[dict[str, Any]]


def departures(data: FlightsData, day: str, n_rows: int) -> pd.DataFrame:
    """Return the first flights of a day (UTC)."""
    on_day = data.flights["scheduled_at"].dt.strftime("%Y-%m-%d") == day
    found: pd.DataFrame = data.flights.loc[on_day].head(n_rows)
    return found


@pytest.fixture(scope="module")
def week(system: LocalSystem, data: FlightsData, tmp_path_factory: pytest.TempPathFactory) -> Week:
    """Let March 1 to 6 pass: half of the file comes early, the rest on Monday; then the weather is odd."""
    folder: Path = tmp_path_factory.mktemp("week")
    arriving = pd.read_parquet(
        next(one.path for one in data.weeks if f"{one.arrives_at:%m-%d}" == "03-04")
    ).reset_index(drop=True)
    halves = [folder / "early.parquet", folder / "monday.parquet"]
    arriving.iloc[::2].to_parquet(halves[0], index=False)
    arriving.iloc[1::2].to_parquet(halves[1], index=False)

    friday, tuesday = departures(data, "2013-03-01", N_ROWS), departures(data, "2013-03-05", N_ROWS)
    before, next_week_before = system.predict(friday), system.predict(tuesday, version=1)
    system.upload("flights", halves[0])
    after_early_rows, next_week_after = system.predict(friday), system.predict(tuesday, version=1)
    system.control.advance_to(pd.Timestamp("2013-03-04", tz="UTC"))
    system.upload("flights", halves[1])
    for day in ("2013-03-04", "2013-03-05"):
        odd = departures(data, day, 900)
        system.predict(odd.assign(temp=odd["temp"] + 60.0, wind_speed=odd["wind_speed"] * 4, visib=0.5))
    system.control.advance_to(pd.Timestamp("2013-03-07", tz="UTC"))
    return Week(
        friday,
        before,
        after_early_rows,
        next_week_before,
        next_week_after,
        system.documents("REPORT#"),
        system.documents("DECISION#"),
    )


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


def test_predictions_are_answered_row_by_row(week: Week) -> None:
    """Each row has a probability, an id of its own, and says how fresh each view was."""
    predictions = week.before["predictions"]
    assert len(predictions) == len(week.asked)
    assert len({one["id"] for one in predictions}) == len(predictions)
    assert all(0.0 <= one["probability"] <= 1.0 for one in predictions)
    assert all(one["freshness"] for one in predictions)


def test_served_predictions_are_recorded_once_and_version_1_on_request_is_not(
    system: LocalSystem, week: Week
) -> None:
    """The predictions table has every served row, by the id its caller was told, and no other."""
    recorded = system.deployment.tables.rows(f"predictions_{system.model}").to_pandas()
    assert recorded["id"].is_unique
    served = {one["id"] for one in week.before["predictions"]}
    assert served <= set(recorded["id"])
    asked_by_version = {one["id"] for one in week.next_week_before["predictions"]}
    assert not asked_by_version & set(recorded["id"])


def test_flights_of_the_same_week_change_nothing_however_early_they_are_uploaded(week: Week) -> None:
    """What is known when is declared: Friday's features see no flight of Friday's week, to the last bit."""
    probabilities = [
        [one["probability"] for one in answer["predictions"]]
        for answer in (week.before, week.after_early_rows)
    ]
    assert probabilities[0] == probabilities[1]


def test_flights_of_the_week_before_are_seen_from_monday_on(week: Week) -> None:
    """The same rows do change what is said of the Tuesday after: they are known by then."""
    before, after = (
        [one["probability"] for one in answer["predictions"]]
        for answer in (week.next_week_before, week.next_week_after)
    )
    assert before != after


def test_the_monitor_reported_every_day_by_its_schedule(week: Week) -> None:
    """One report a day, and each has its verdict."""
    ends = [report["window_end"] for report in week.reports]
    assert len(ends) == len(set(ends)) == 6
    assert all(isinstance(report["drift"], bool) for report in week.reports)


def test_odd_weather_is_drift_in_the_features_that_are_odd(week: Week) -> None:
    """The report after it names them."""
    assert week.reports[-1]["drift"]
    assert {"temp", "wind_speed"} <= set(week.reports[-1]["drifted_features"])


def test_each_report_has_a_decision_and_drift_has_a_retraining(system: LocalSystem, week: Week) -> None:
    """The ledger says why, and the run carries the reason."""
    assert len(week.decisions) == len(week.reports)
    started = [one["decision"] for one in week.decisions if one["decision"]["retrain"]]
    assert started
    runs = {run.run_id: run for run in list_runs(system.deployment.documents, system.model)}
    for decision in started:
        run = runs[decision["run_id"]]
        assert run.status == "finished", run.failure
        assert run.reason["kind"] == decision["reason"]["kind"]


def test_nothing_of_it_is_dead(system: LocalSystem, week: Week) -> None:
    """No message failed for good on the way."""
    assert week.reports
    assert set(system.dead_letters().values()) == {0}
