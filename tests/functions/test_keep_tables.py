"""keep_tables from its schedule's event to smaller tables, on the AWS adapters."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from tests.functions.deployment import Deployment, handler_of, sample_event
from tidemill.aws import wiring
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.tables import AT_PROPERTY

CACHED = (
    wiring.settings,
    wiring.project,
    wiring.documents,
    wiring.tables,
    wiring.table_history,
    wiring.table_upkeep,
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
    keep, event = handler_of("keep_tables"), sample_event("keep_tables", "weekly")
    [kept] = keep(event, None)
    assert (kept["table"], kept["compacted"]) == ("planes", COMMITS)
    assert kept["expired"] == COMMITS - 20 - 1
    assert [(each["expired"], each["compacted"]) for each in keep(event, None)] == [(0, 0)]
    assert len(wiring.tables().commits("planes")) == 20
    assert wiring.tables().rows("planes").num_rows == COMMITS
    assert wiring.tables().rows("planes", snapshot_id=tagged.snapshot_id).num_rows == 4
