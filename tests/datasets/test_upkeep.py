"""Upkeep lets go of nothing that a model, a tag, a reader or the online store still needs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from tidemill import Entity, FeatureView, Project, Source, String, Timestamp, count
from tidemill.datasets.retirement import Retirement
from tidemill.datasets.tables import AT_PROPERTY, Commit
from tidemill.datasets.upkeep import (
    FEWEST_COMMITS,
    KEPT_COMMITS,
    KEPT_DAYS,
    Housekeeping,
    expirable,
)
from tidemill.datasets.watermarks import Watermark
from tidemill.features.definitions import ViewDefinition, define
from tidemill.memory.blobs import MemoryBlobs
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.executions import MemoryExecutions
from tidemill.memory.online import MemoryOnlineStore
from tidemill.memory.tables import MemoryTables
from tidemill.registry.versions import register_version

SCHEMA = pa.schema([("name", pa.string())])
START = datetime(2013, 1, 1, tzinfo=UTC)


def daily(count: int) -> tuple[MemoryTables, list[Commit]]:
    """Return a table with one commit a day."""
    tables = MemoryTables()
    tables.ensure("trips", SCHEMA)
    made = []
    for day in range(count):
        said = {AT_PROPERTY: (START + timedelta(days=day)).isoformat()}
        rows = pa.RecordBatch.from_pydict({"name": [str(day)]}, SCHEMA)
        made.append(tables.append("trips", iter([rows]), said, ids=[str(day)]).commit)
    return tables, made


TRIPS = Source("trips", {"name": String, "at": Timestamp}, ["name"], "at")
VIEWS = [
    define(FeatureView(name, Entity("name", ["name"]), TRIPS, {f"{name}_n": count(over="1h")}))
    for name in ("city", "rider", "week")
]


class InService:
    """Three views are used by models."""

    def of_source(self, source: str) -> Sequence[ViewDefinition]:
        """Return those of a source."""
        return [view for view in VIEWS if view.source == source]

    def registered(self) -> Sequence[ViewDefinition]:
        """Return all."""
        return VIEWS


def keep(tables: MemoryTables, documents: MemoryDocuments, *, day: int) -> int:
    """Let two upkeeps pass: the second lets go of what the first wrote down. Return how many went."""
    at = START + timedelta(days=day)
    project, store = Project("bikes", [TRIPS], []), MemoryOnlineStore()
    retirement = Retirement(project, InService(), tables, documents, store, store)
    house = Housekeeping(
        project, tables, tables, tables, documents, retirement, MemoryBlobs(), MemoryExecutions()
    )
    return sum(house.keep("trips", at - timedelta(hours=hours)).expired for hours in (1, 0))


def reach(documents: MemoryDocuments, view: ViewDefinition, sequence: int) -> None:
    """Let a view's items have come to a commit."""
    documents.put("WATERMARK#trips", view.reference, asdict(Watermark(sequence, 1, sequence, 0)))


def register(documents: MemoryDocuments, version: int, snapshot_id: int) -> None:
    dataset = {"snapshots": {"trips": str(snapshot_id)}, "cutoff": "2013-01-01T00:00:00Z"}
    said: dict[str, Any] = {"package": "p", "at": "2013-01-01T00:00:00Z", "passed": True, "gates": []}
    lineage = {"dataset": dataset}
    register_version(documents, "long_trip", run_id=f"r{version}", metrics={}, lineage=lineage, **said)


def test_commits_of_the_last_month_stay_and_older_ones_go() -> None:
    tables, made = daily(100)
    assert keep(tables, MemoryDocuments(), day=100) == 70
    assert list(tables.commits("trips")) == made[70:]
    assert tables.rows("trips").num_rows == 100
    assert keep(tables, MemoryDocuments(), day=100) == 0


def test_the_newest_commits_stay_however_old_they_are() -> None:
    tables, made = daily(100)
    keep(tables, MemoryDocuments(), day=1000)
    assert list(tables.commits("trips")) == made[-FEWEST_COMMITS:]


def test_a_young_history_is_bounded_by_its_length() -> None:
    tables, made = daily(KEPT_COMMITS + 5)
    at = START
    gone = expirable(tables.snapshots("trips"), made, needed=(), progress=(), at=at)
    assert gone == [commit.snapshot_id for commit in made[:5]]


def test_what_a_model_was_trained_on_or_a_tag_names_stays() -> None:
    tables, made = daily(100)
    documents = MemoryDocuments()
    register(documents, 1, made[10].snapshot_id)
    tables.tag("trips", made[20].snapshot_id, "kept")
    keep(tables, documents, day=100)
    assert tables.rows("trips", snapshot_id=made[10].snapshot_id).num_rows == 11
    assert tables.rows("trips", snapshot_id=made[20].snapshot_id).num_rows == 21


def test_commits_that_a_view_has_not_taken_yet_stay() -> None:
    tables, made = daily(100)
    documents = MemoryDocuments()
    reach(documents, VIEWS[0], made[40].sequence)
    reach(documents, VIEWS[1], made[99].sequence)
    keep(tables, documents, day=100)
    assert list(tables.commits("trips")) == made[40:]
    assert tables.rows("trips", snapshot_id=made[41].snapshot_id, added_only=True).num_rows == 1


def test_commits_taken_back_stay_for_as_long_as_young_ones() -> None:
    tables, made = daily(50)
    tables.set_current("trips", made[9].snapshot_id, expected=made[49].snapshot_id)
    keep(tables, MemoryDocuments(), day=50)
    kept = {each.snapshot_id for each in tables.snapshots("trips")}
    assert kept >= {commit.snapshot_id for commit in made[20:]}
    assert kept.isdisjoint({commit.snapshot_id for commit in made[10:20]})
    assert list(tables.commits("trips")) == made[:10]


@given(data=st.data())
def test_whatever_is_needed_the_rest_of_the_history_is_one_piece_with_all_rows(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60))
    tables, made = daily(count)
    documents = MemoryDocuments()
    chosen = st.integers(0, count - 1)
    tagged = data.draw(st.sets(chosen, max_size=3))
    for number in tagged:
        tables.tag("trips", made[number].snapshot_id, f"tag-{number}")
    reached = data.draw(st.sets(chosen, max_size=3))
    for view, number in zip(VIEWS, sorted(reached), strict=False):
        reach(documents, view, made[number].sequence)
    keep(tables, documents, day=data.draw(st.integers(count, count + 2 * KEPT_DAYS)))
    commits = list(tables.commits("trips"))
    assert commits == made[count - len(commits) :]
    assert commits[0].sequence <= min((made[number].sequence for number in reached), default=count)
    assert tables.rows("trips").num_rows == count
    for number in tagged:
        assert tables.rows("trips", snapshot_id=made[number].snapshot_id).num_rows == number + 1


def test_an_empty_table_needs_no_upkeep() -> None:
    tables, _ = daily(0)
    assert keep(tables, MemoryDocuments(), day=1) == 0


def test_a_message_that_may_come_again_is_known_for_longer_than_a_queue_keeps_it() -> None:
    queue_days = 14
    assert queue_days <= KEPT_DAYS
