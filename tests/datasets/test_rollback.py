"""A rollback makes an earlier version current, and the uploads it takes back may come again."""

from typing import Any

import pytest

from tidemill.datasets.rollback import rollback
from tidemill.datasets.versions import find_version
from tidemill.errors import Conflict

WEEK = "t{0},Oslo,10,1,2013-01-0{0}"


def minutes(cloud: Any) -> list[str]:
    return sorted(cloud.tables.rows("trips").column("trip_id").to_pylist())


def three_weeks(cloud: Any, trips_csv: Any) -> list[Any]:
    uploads = [cloud.put(trips_csv(WEEK.format(week)), f"{week}.csv") for week in (1, 2, 3)]
    for upload in uploads:
        cloud.ingest(upload)
    return uploads


def back_to(cloud: Any, commit: Any) -> Any:
    return rollback(cloud.tables, cloud.tables, cloud.documents, "trips", commit)


def test_a_rollback_says_what_it_took_back_and_those_files_may_be_uploaded_again(
    cloud: Any, trips_csv: Any
) -> None:
    uploads = three_weeks(cloud, trips_csv)
    commits = cloud.tables.commits("trips")
    assert back_to(cloud, commits[0]) == (commits[1:], 1)
    assert minutes(cloud) == ["t1"]
    assert cloud.ingest(uploads[0]).status == "duplicate"
    assert cloud.ingest(uploads[2]).status == "committed"
    assert minutes(cloud) == ["t1", "t3"]


def test_a_rollback_can_be_taken_back(cloud: Any, trips_csv: Any) -> None:
    uploads = three_weeks(cloud, trips_csv)
    commits = cloud.tables.commits("trips")
    back_to(cloud, commits[0])
    assert back_to(cloud, commits[2]) == ([], 2)
    assert minutes(cloud) == ["t1", "t2", "t3"]
    assert [cloud.ingest(upload).status for upload in uploads] == ["duplicate"] * 3


def test_a_rollback_to_where_the_table_is_changes_nothing(cloud: Any, trips_csv: Any) -> None:
    three_weeks(cloud, trips_csv)
    assert back_to(cloud, find_version(cloud.tables, cloud.tables, "trips")) == ([], None)
    assert minutes(cloud) == ["t1", "t2", "t3"]


@pytest.mark.parametrize("step", range(1, 13))
def test_a_rollback_that_ends_at_any_write_leaves_every_upload_to_be_there_once(
    cloud: Any, trips_csv: Any, crash: type[Exception], step: int
) -> None:
    """Six writes: two digests forgotten, the rollback counted, the snapshot set, the digests once more."""
    uploads = three_weeks(cloud, trips_csv)
    first = cloud.tables.commits("trips")[0]
    with pytest.raises(crash):
        back_to(cloud.crashing(step), first)
    for upload in uploads:
        cloud.ingest(upload)
    assert minutes(cloud) == ["t1", "t2", "t3"]


def test_a_table_written_meanwhile_is_not_rolled_back(cloud: Any, trips_csv: Any) -> None:
    three_weeks(cloud, trips_csv)
    first = cloud.tables.commits("trips")[0]

    class Busy:
        """A history in which somebody commits just before the move."""

        def __getattr__(self, name: str) -> Any:
            return getattr(cloud.tables, name)

        def set_current(self, *arguments: Any, **named: Any) -> None:
            cloud.ingest(cloud.put(trips_csv(WEEK.format(4)), "4.csv"))
            cloud.tables.set_current(*arguments, **named)

    busy: Any = Busy()
    with pytest.raises(Conflict, match="trips"):
        rollback(cloud.tables, busy, cloud.documents, "trips", first)
    assert minutes(cloud) == ["t1", "t2", "t3", "t4"]
