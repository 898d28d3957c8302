"""Runs of the index of keys go when no kept commit names them, and never one that a version needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.datasets.refilling import InService
from tidemill import Project, Source, String, Timestamp, unique
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.key_index import key_runs
from tidemill.datasets.retirement import Retirement
from tidemill.datasets.rollback import rollback
from tidemill.datasets.tables import Commit, KeptSnapshot
from tidemill.datasets.upkeep import FEWEST_COMMITS, Housekeeping
from tidemill.datasets.uploads import Upload
from tidemill.memory.executions import MemoryExecutions

LATER = datetime(2023, 1, 1, tzinfo=UTC)
RIDES = Source(
    "rides",
    {"id": String, "at": Timestamp},
    key=["id"],
    timestamp="at",
    checks=[unique("id", across="commits")],
    tolerance=1.0,
)
PROJECT = Project("bikes", sources=[RIDES], models=[])


class Rides:
    """A source whose keys are unique across commits."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        self.at = datetime(2013, 1, 7, tzinfo=UTC)

    def ingest(self, *ids: str) -> int:
        """Commit rows of these ids, a day after the last, and return how many were put aside."""
        self.at += timedelta(days=1)
        key = f"uploads/bikes/rides/{self.at:%Y-%m-%d}.csv"
        data = "id,at\n" + "".join(f"{id_},2013-01-06\n" for id_ in ids)
        upload = Upload("data", key, self.cloud.blobs.put(key, data.encode()).version, self.at)
        cloud = self.cloud
        outcome = ingest_upload(
            upload,
            project=PROJECT,
            blobs=cloud.blobs,
            tables=cloud.tables,
            documents=cloud.documents,
            events=cloud.events,
        )
        assert outcome.record is not None
        return int(outcome.record["quarantined"])

    def keep(self) -> None:
        """Let upkeep come, ten years later and the weeks after."""
        cloud = self.cloud
        retirement = Retirement(PROJECT, InService(), cloud.tables, cloud.documents, cloud.store, cloud.store)
        house = Housekeeping(
            PROJECT,
            cloud.tables,
            cloud.tables,
            cloud.tables,
            cloud.documents,
            retirement,
            cloud.blobs,
            MemoryExecutions(),
        )
        for week in range(3):
            house.keep("rides", LATER + timedelta(days=7 * week))

    def runs(self) -> set[str]:
        """Return the runs that lie in the bucket."""
        return {info.key for info in self.cloud.blobs.list("keys/")}

    def named(self) -> set[str]:
        """Return the runs that kept snapshots name."""
        return key_runs("bikes", "rides", self.cloud.tables.snapshots("rides"))


@pytest.fixture
def rides(cloud: Any) -> Rides:
    """Return a source of more commits than are kept."""
    made = Rides(cloud)
    for number in range(FEWEST_COMMITS + 15):
        made.ingest(f"r{number}")
    return made


def test_what_is_kept_is_what_kept_commits_name_and_every_key_is_still_known(rides: Rides) -> None:
    before = len(rides.runs())
    rides.keep()
    assert rides.runs() == rides.named()
    assert len(rides.runs()) < before
    assert rides.ingest("r0", "r17", f"r{FEWEST_COMMITS + 14}", "new") == 3


def test_a_tagged_and_a_taken_back_version_keep_theirs(rides: Rides) -> None:
    commits = rides.cloud.tables.commits("rides")
    rides.cloud.tables.tag("rides", commits[3].snapshot_id, "kept")
    rides.cloud.tables.tag("rides", commits[9].snapshot_id, "kept-too")
    rides.keep()
    assert rides.runs() == rides.named()
    rollback(rides.cloud.tables, rides.cloud.tables, rides.cloud.documents, "rides", commits[9])
    rides.keep()
    assert rides.ingest("r3", "r9", "r10", "r30") == 2


def test_a_run_that_the_history_does_not_name_is_written_again_and_not_only_looked_for(rides: Rides) -> None:
    """It may be about to be removed. One that the history names is neither written nor read twice."""
    cloud = rides.cloud
    commits = cloud.tables.commits("rides")
    rollback(cloud.tables, cloud.tables, cloud.documents, "rides", commits[-2])
    versions = {info.key: info.version for info in cloud.blobs.list("keys/")}
    rides.at -= timedelta(days=1)
    rides.ingest(f"r{FEWEST_COMMITS + 14}")
    written = {info.key for info in cloud.blobs.list("keys/") if versions.get(info.key) != info.version}
    [newest] = cloud.tables.commits("rides", last=1)
    in_history = runs_of(commits[-2])
    assert written == runs_of(newest) - in_history != set()
    assert runs_of(newest) == runs_of(commits[-1])


def runs_of(commit: Commit) -> set[str]:
    """Return the runs that a commit names."""
    kept = KeptSnapshot(commit.snapshot_id, commit.sequence, None, None, commit.properties)
    return key_runs("bikes", "rides", [kept])
