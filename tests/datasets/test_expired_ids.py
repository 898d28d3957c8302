"""What a commit was made for is known after it has expired, for as long as it can come again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.datasets.refilling import InService
from tidemill.canonical import digest_bytes
from tidemill.datasets.expired_ids import known_ids, settled, write_ids
from tidemill.datasets.retirement import Retirement
from tidemill.datasets.tables import Commit
from tidemill.datasets.upkeep import FEWEST_COMMITS, Housekeeping
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.executions import MemoryExecutions
from tidemill.project import Project

START = datetime(2013, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def commits(*sequences: int) -> list[Commit]:
    return [Commit(1000 + number, number, {"tidemill.ids": f"a{number} b{number}"}) for number in sequences]


def settle(documents: MemoryDocuments, sequences: Sequence[int], at: datetime, *, rollbacks: int = 0) -> int:
    return settled(
        documents,
        "log",
        commits(*sequences),
        rollbacks=rollbacks,
        at=at,
        write=write_ids(documents, "log", at),
    )


def test_a_commit_may_expire_once_its_ids_have_been_written_down_for_an_hour() -> None:
    documents = MemoryDocuments()
    assert settle(documents, [1, 2], START) == 0
    assert known_ids(documents, "log", ["a1", "b2", "a3", "b9"]) == {"a1", "b2"}
    assert settle(documents, [1, 2, 3], START + HOUR - timedelta(seconds=1)) == 0
    assert known_ids(documents, "log", ["a3"]) == set(), "one lot after another"
    assert settle(documents, [1, 2, 3], START + HOUR) == 2
    assert known_ids(documents, "log", ["a3"]) == {"a3"}
    assert settle(documents, [3], START + 2 * HOUR) == 3


def test_another_history_is_written_down_from_its_beginning() -> None:
    """Commits that a rollback brought back were not among those written down."""
    documents = MemoryDocuments()
    settle(documents, [1, 5], START)
    assert settle(documents, [1, 5], START + HOUR) == 5
    assert settle(documents, [1, 2, 3], START + 2 * HOUR, rollbacks=1) == 0
    assert known_ids(documents, "log", ["a2", "b3"]) == {"a2", "b3"}
    assert settle(documents, [1, 2, 3], START + 3 * HOUR, rollbacks=1) == 3


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 90)), max_size=12))
def test_whenever_upkeep_comes_a_commit_goes_only_after_its_ids_were_there_for_an_hour(
    runs: list[tuple[int, int]],
) -> None:
    documents, at, newest, oldest = MemoryDocuments(), START, 0, 1
    written: dict[int, datetime] = {}
    for more, minutes in runs:
        newest, at = newest + more, at + timedelta(minutes=minutes)
        until = settle(documents, range(oldest, newest + 1), at)
        for number in range(1, newest + 1):
            if known_ids(documents, "log", [f"a{number}"]):
                written.setdefault(number, at)
        assert all(written[number] <= at - HOUR for number in range(oldest, until + 1))
        oldest = max(oldest, until + 1)


def keep(cloud: Any, project: Project, *, weeks: int) -> None:
    """Let weekly upkeeps pass, years later."""
    retirement = Retirement(project, InService(), cloud.tables, cloud.documents, cloud.store, cloud.store)
    house = Housekeeping(
        project,
        cloud.tables,
        cloud.tables,
        cloud.tables,
        cloud.documents,
        retirement,
        cloud.blobs,
        MemoryExecutions(),
    )
    for week in range(weeks):
        house.keep("trips", START + timedelta(days=3650 + 7 * week))


@pytest.fixture
def long_ago(cloud: Any, trips_csv: Callable[..., bytes], bikes: Project) -> Any:
    """Return a cloud in which an ingest ended just after its commit, and many others followed."""
    first = cloud.put(trips_csv("first,Oslo,10,1,2013-01-01"), "first.csv")
    cloud.ingest(first)
    cloud.documents.delete("UPLOADS#trips", digest_bytes(cloud.blobs.get(first.key)))
    for number in range(FEWEST_COMMITS + 2):
        upload = cloud.put(trips_csv(f"t{number},Oslo,10,1,2013-01-02"), f"{number}.csv")
        cloud.ingest(replace(upload, at=upload.at + timedelta(days=number)))
    keep(cloud, bikes, weeks=2)
    assert "first.csv" not in str(cloud.tables.commits("trips"))
    return cloud, first


def test_an_upload_whose_ingest_ended_before_it_was_indexed_is_known_after_its_commit_expired(
    long_ago: Any,
) -> None:
    cloud, first = long_ago
    assert cloud.ingest(first).status == "duplicate"
    names = cloud.tables.rows("trips").column("trip_id").to_pylist()
    assert len(names) == len(set(names)) == FEWEST_COMMITS + 3
