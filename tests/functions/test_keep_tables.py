"""keep_tables from its schedule's event to smaller tables, on the AWS adapters."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from tests.functions.deployment import Deployment, handler_of, sample_event
from tidemill.aws import wiring
from tidemill.aws.clients import client
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.tables import AT_PROPERTY

CACHED = (
    wiring.settings,
    wiring.project,
    wiring.documents,
    wiring.tables,
    wiring.table_history,
    wiring.table_upkeep,
    wiring.data_blobs,
    wiring.models_blobs,
    wiring.online_store,
    wiring.served_views,
    wiring.housekeeping,
)
COMMITS = 40


@pytest.fixture
def deployment(
    aws_endpoint: str,  # noqa: ARG001  the server that answers
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    for made in CACHED:
        made.cache_clear()
    yield Deployment(monkeypatch)
    for made in CACHED:
        made.cache_clear()


def weeks_later(weeks: int, *, since: str = "2013-03-10T03:30:00+00:00") -> dict[str, Any]:
    """Return the schedule's event of a later week."""
    time = datetime.fromisoformat(since) + timedelta(weeks=weeks)
    return {**sample_event("keep_tables", "weekly"), "time": time.isoformat()}


def test_a_table_of_many_small_old_commits_becomes_few_files_and_keeps_its_rows(
    deployment: Deployment,
) -> None:
    """A second delivery of the schedule's event finds nothing to do; other tables were never written."""
    del deployment
    schema = arrow_schema(wiring.project().source("planes").schema)
    wiring.tables().ensure("planes", schema)
    arrived = datetime(2013, 1, 1, tzinfo=UTC)
    for number in range(COMMITS):
        said = {AT_PROPERTY: (arrived + timedelta(days=number)).isoformat()}
        rows = pa.RecordBatch.from_pylist([{"tailnum": f"N{number}"}], schema)
        wiring.tables().append("planes", iter([rows]), said, ids=[str(number)])
    tagged = wiring.tables().commits("planes")[3]
    wiring.tables().tag("planes", tagged.snapshot_id, "model-1")
    keep = handler_of("keep_tables")
    [kept] = keep(sample_event("keep_tables", "weekly"), None)
    assert (kept["table"], kept["compacted"], kept["expired"]) == ("planes", COMMITS, 0)
    [kept] = keep(weeks_later(1), None)
    assert kept["expired"] == COMMITS - 20 - 1, "what was written down the week before"
    for event in (weeks_later(1), weeks_later(2)):
        assert [(each["expired"], each["compacted"]) for each in keep(event, None)] == [(0, 0)]
    assert len(wiring.tables().commits("planes")) == 20
    assert wiring.tables().rows("planes").num_rows == COMMITS
    assert wiring.tables().rows("planes", snapshot_id=tagged.snapshot_id).num_rows == 4


def test_predictions_sent_again_after_their_commit_expired_are_not_recorded_again(
    deployment: Deployment,
) -> None:
    """They had waited among the dead letters, say; and their ids end when no message can be as old."""
    assert deployment
    record, message = handler_of("record_predictions"), sample_event("record_predictions", "two_predictions")
    assert record(message, None) == {"batchItemFailures": []}
    table = "predictions_late_arrival"
    first = wiring.tables().commits(table)[0]
    for number in range(20):
        wiring.tables().append(table, iter([]), {}, ids=[f"later-{number}"])
    keep, now = handler_of("keep_tables"), datetime.now(UTC)
    for week in (10, 11):
        keep(weeks_later(week, since=now.isoformat()), None)
    assert first not in wiring.tables().commits(table)
    assert record(message, None) == {"batchItemFailures": []}
    assert wiring.tables().rows(table).num_rows == 2
    key = {"partition": {"S": f"EXPIRED#{table}"}, "sort": {"S": next(iter(first.ids))}}
    experiments = os.environ["TIDEMILL_EXPERIMENTS_TABLE"]
    stored = client("dynamodb").get_item(TableName=experiments, Key=key)["Item"]
    assert int(stored["expires_at"]["N"]) == int((now + timedelta(weeks=10, days=90)).timestamp())
