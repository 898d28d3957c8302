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
from tidemill.datasets.rollback import rollback
from tidemill.datasets.tables import AT_PROPERTY
from tidemill.errors import NotFound, Outdated
from tidemill.expressions import String, Timestamp, column
from tidemill.features.generations import ServedItems
from tidemill.features.online import read_views
from tidemill.registry.versions import register_version

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
    wiring.backfills,
    wiring.backfill_executions,
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


def test_what_a_registered_model_was_trained_on_stays_readable_without_a_tag(deployment: Deployment) -> None:
    """Though no alias points at the version; its neighbours go."""
    assert deployment
    commit_planes(COMMITS)
    trained_on, other = (wiring.tables().commits("planes")[number].snapshot_id for number in (3, 4))
    register_version(
        wiring.documents(),
        "late_arrival",
        run_id="first",
        package="0" * 64,
        at="2013-02-01T00:00:00Z",
        passed=False,
        gates=[],
        metrics={},
        lineage={"dataset": {"snapshots": {"planes": trained_on}}},
    )
    assert wiring.table_history().tags("planes") == {}
    keep = handler_of("keep_tables")
    expired = sum(keep(weeks_later(week), None)[0]["expired"] for week in range(3))
    wiring.table_upkeep().remove_unreachable("planes", written_before=datetime(2113, 1, 1, tzinfo=UTC))
    assert expired == COMMITS - 20 - 1
    assert wiring.tables().rows("planes", snapshot_id=trained_on).num_rows == 4
    with pytest.raises(NotFound, match=f"no snapshot {other}"):
        wiring.tables().rows("planes", snapshot_id=other)


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


def test_a_backfill_that_upkeep_comes_in_the_midst_of_ends_with_what_the_history_says(
    deployment: Deployment,
) -> None:
    """What it planned is kept; if an engine that knows nothing of it lets that go, it is planned anew."""
    assert deployment
    commit_planes(26)
    plan_view, keep = handler_of("plan_backfill"), handler_of("keep_tables")
    plan = plan_view(sample_event("plan_backfill", "plane"), None)
    for week in range(2):
        [kept] = keep(weeks_later(week), None)
        assert kept["expired"] == 0
    fill(plan)
    assert handler_of("finish_backfill")(plan, None)["sequence"] == plan["until"]
    assert seats() == [f"{number}.0" for number in range(26)]
    assert sum(keep(weeks_later(week), None)[0]["expired"] for week in (2, 3)) == 6

    history = wiring.tables().commits("planes")
    rollback(wiring.tables(), wiring.table_history(), wiring.documents(), "planes", history[-2])
    outdated = plan_view(sample_event("plan_backfill", "plane"), None)
    assert outdated["generation"] == plan["generation"] + 1
    wiring.table_upkeep().expire("planes", [commit.snapshot_id for commit in history[:3]])
    wiring.table_upkeep().remove_unreachable("planes", written_before=datetime(2113, 1, 1, tzinfo=UTC))
    with pytest.raises(Outdated, match="commits expired, while view `plane@"):
        fill(outdated)
    assert seats() == [f"{number}.0" for number in range(26)], "as before, until the view is whole"
    anew = plan_view(outdated, None)
    fill(anew)
    handler_of("finish_backfill")(anew, None)
    assert seats() == [f"{number}.0" for number in range(25)]


def commit_planes(count: int) -> None:
    """Commit a row a day, each another seat count of a plane of its own."""
    schema = arrow_schema(wiring.project().source("planes").schema)
    wiring.tables().ensure("planes", schema)
    for number in range(count):
        at = datetime(2013, 1, 1, tzinfo=UTC) + timedelta(days=number)
        said = {AT_PROPERTY: at.isoformat(), "tidemill.rows": "1"}
        row = {"tailnum": f"N{number}", "seats": float(number), "listed_at": at}
        wiring.tables().append(
            "planes", iter([pa.RecordBatch.from_pylist([row], schema)]), said, ids=[str(number)]
        )


def fill(plan: dict[str, Any]) -> None:
    """Fill every part of a plan through every chunk."""
    items = {name: plan[name] for name in ("view", "version", "generation")}
    for chunk in plan["chunks"]:
        for part in chunk.pop("parts"):
            handler_of("fill_view")({**items, **part, **chunk}, None)


def seats() -> list[str]:
    """Return the seats that are served of every plane that is known, as the newest reader sees them."""
    names = [f"N{number}" for number in range(30)]
    request = {"tailnum": column(String, names)}
    times = column(Timestamp, ["2013-03-01T00:00:00Z"] * len(names))
    views = wiring.project().views_of("planes")
    columns, _ = read_views(views, request, times, ServedItems(wiring.online_store()))
    return [str(value) for value in columns["seats"].to_list() if value is not None]
