"""predict, monitor_model and decide_retrain from sample event to answer, on the AWS adapters."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.functions.deployment import Deployment, handler_of, sample_event
from tidemill import Source, String, Timestamp, freshness
from tidemill.aws import wiring
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.tables import AT_PROPERTY
from tidemill.datasets.uploads import NEWEST_PROPERTY
from tidemill.serving.prediction_log import decode_message

CACHED = (
    wiring.settings,
    wiring.project,
    wiring.data_blobs,
    wiring.models_blobs,
    wiring.documents,
    wiring.online_store,
    wiring.served_items,
    wiring.events,
    wiring.predictions_queue,
    wiring.training_executions,
    wiring.tables,
)


@pytest.fixture
def deployment(
    aws_endpoint: str,  # noqa: ARG001  the server that answers
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Any,
) -> Iterator[Deployment]:
    for made in CACHED:
        made.cache_clear()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    yield Deployment(monkeypatch)
    for made in CACHED:
        made.cache_clear()


def predict(case: str) -> tuple[int, dict[str, Any]]:
    response = handler_of("predict")(sample_event("predict", case), None)
    return response["statusCode"], json.loads(response["body"])


def test_a_row_is_predicted_and_logged(deployment: Deployment) -> None:
    deployment.promote()
    status, answer = predict("one_row")
    assert status == 200
    [prediction] = answer["predictions"]
    assert 0 < prediction["probability"] < 1
    [body] = deployment.messages(deployment.queue_url)
    assert [row["id"] for row in decode_message(body).rows] == [prediction["id"]]


@pytest.mark.parametrize(
    ("case", "field"),
    [
        ("string_for_a_number", "rows[0].wind_speed"),
        ("missing_column", "rows[0].visib"),
        ("unknown_column", "rows[0].windspeed"),
        ("not_json", None),
        ("not_a_number", None),
        ("no_rows", "rows"),
    ],
)
def test_bad_input_is_a_problem_that_names_it_and_is_not_logged(
    deployment: Deployment, case: str, field: str | None
) -> None:
    deployment.promote()
    status, problem = predict(case)
    assert (status, problem["status"], problem.get("field")) == (400, 400, field)
    assert deployment.messages(deployment.queue_url) == []


def test_models_are_listed(deployment: Deployment) -> None:
    deployment.promote()
    assert predict("list_models") == (200, {"models": [{"model": "late_arrival", "champion": 1}]})


def test_a_model_that_was_never_trained_is_404(deployment: Deployment) -> None:
    assert deployment.messages(deployment.queue_url) == []
    assert predict("one_row")[0] == 404


def test_the_loop_from_prediction_to_retraining(deployment: Deployment) -> None:
    """Predictions, their log, the weekly file, the monitor, its event, and the decision it leads to."""
    deployment.promote()
    flights = deployment.model.observations.source
    wiring.tables().ensure("flights", arrow_schema(flights.schema))
    answer, record = handler_of("predict"), handler_of("record_predictions")
    event = sample_event("predict", "one_row")
    row = json.loads(event["body"])["rows"][0]
    monday = datetime(2013, 3, 4, 6, tzinfo=UTC)
    for day in range(7):
        rows = [row | {"flight_id": f"{day}-{number}", "temp": 30.0 + number % 20} for number in range(30)]
        event["body"] = json.dumps({"rows": rows})
        event["requestContext"]["timeEpoch"] = int((monday + timedelta(days=day)).timestamp() * 1000)
        assert answer(event, None)["statusCode"] == 200
    bodies = deployment.messages(deployment.queue_url)
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    assert record({"Records": records}, None) == {"batchItemFailures": []}

    summary = handler_of("monitor_model")(sample_event("monitor_model", "daily"), None)
    assert (summary["rows"], summary["version"], summary["drift"]) == (210, 1, True)
    assert "temp" in summary["drifted_features"]
    assert b"<svg" in wiring.data_blobs().get("reports/monitor/late_arrival/2013-03-11T00:00:00Z.html")
    [heard] = deployment.messages(deployment.heard_url)
    assert json.loads(heard)["detail"] == summary

    decide = handler_of("decide_retrain")
    message = {"Records": [{"messageId": "1", "body": heard}]}
    assert decide(message, None) == {"batchItemFailures": []}
    decide(message, None)  # delivered twice
    assert deployment.executions() == ["late_arrival-20130311T000000Z"]


def test_a_model_nobody_asked_yet_gets_a_report(deployment: Deployment) -> None:
    summary = handler_of("monitor_model")(sample_event("monitor_model", "daily"), None)
    assert (summary["version"], summary["drift"], summary["performance"]) == (None, None, "unknown")
    assert len(deployment.messages(deployment.heard_url)) == 1


def test_a_source_that_falls_silent_is_told_of_once_and_counted_for_the_alarm(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The daily look finds it without an upload, and finds it over when a newer row is there."""
    docks = Source(
        "docks", {"dock": String, "seen_at": Timestamp}, ["dock"], "seen_at", checks=[freshness("2d")]
    )
    project = wiring.project()
    declared = replace(project, sources=[*project.sources, docks])
    monkeypatch.setattr(wiring, "project", lambda: declared)
    wiring.tables().ensure("docks", arrow_schema(docks.schema))

    def commit(newest: str) -> None:
        said = {NEWEST_PROPERTY: newest, AT_PROPERTY: newest}
        wiring.tables().append("docks", iter([]), said, ids=[newest])

    def look(day: int) -> tuple[list[str], int]:
        """Return what is told on a day in March, and how many silent sources are counted."""
        time = datetime(2013, 3, day, tzinfo=UTC).isoformat()
        handler_of("monitor_model")({**sample_event("monitor_model", "daily"), "time": time}, None)
        heard = [json.loads(body) for body in deployment.messages(deployment.heard_url)]
        [counted] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        told = [one["detail"]["newest"] for one in heard if one["detail-type"] == "SourceSilent"]
        return told, counted["SilentSources"]

    commit("2013-03-10T00:00:00Z")
    assert look(11) == ([], 0)
    assert look(13) == (["2013-03-10T00:00:00Z"], 1)
    assert look(14) == ([], 1)
    commit("2013-03-14T00:00:00Z")
    assert look(15) == ([], 0)
    assert look(17) == (["2013-03-14T00:00:00Z"], 1)


def test_the_sample_reports_lead_to_one_training(deployment: Deployment) -> None:
    decide = handler_of("decide_retrain")
    assert decide(sample_event("decide_retrain", "quiet"), None) == {"batchItemFailures": []}
    assert deployment.executions() == []
