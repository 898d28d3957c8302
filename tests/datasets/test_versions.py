"""A dataset version says which rows something saw."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from tidemill.datasets.tables import AT_PROPERTY, Commit
from tidemill.datasets.versions import DatasetVersion, find_version
from tidemill.errors import NotFound
from tidemill.memory.tables import MemoryTables

SCHEMA = pa.schema([("name", pa.string())])
CUTOFF = datetime(2013, 3, 1, tzinfo=UTC)


def test_equal_versions_have_equal_digests_whatever_the_order_and_zone() -> None:
    one = DatasetVersion({"a": 1, "b": 2}, CUTOFF)
    other = DatasetVersion({"b": 2, "a": 1}, CUTOFF.astimezone(timezone(timedelta(hours=5))))
    assert one.digest == other.digest
    assert one.digest != DatasetVersion({"a": 1, "b": 3}, CUTOFF).digest


def trips_on(*days: str) -> tuple[MemoryTables, list[Commit]]:
    """Return a table with one commit for each day an upload arrived."""
    tables = MemoryTables()
    tables.ensure("trips", SCHEMA)
    made = [tables.append("trips", iter([]), {AT_PROPERTY: f"{day}Z"}, ids=[day]).commit for day in days]
    return tables, made


def test_a_version_is_found_by_id_tag_and_latest() -> None:
    tables, (first, second) = trips_on("2013-03-01T08:00:00", "2013-03-02T08:00:00")
    tables.tag("trips", first.snapshot_id, "before-easter")
    assert find_version(tables, tables, "trips", str(first.snapshot_id)) == first
    assert find_version(tables, tables, "trips", "before-easter") == first
    assert find_version(tables, tables, "trips") == second


def test_a_date_means_the_newest_commit_that_had_arrived_by_its_end() -> None:
    tables, made = trips_on("2013-02-28T23:59:59", "2013-03-01T08:00:00", "2013-03-31T23:59:59.5")

    def found(name: str) -> int:
        return made.index(find_version(tables, tables, "trips", name))

    assert [found("2013-02"), found("2013-02-28"), found("2013-03-01"), found("2013-03")] == [0, 0, 1, 2]
    assert found("2013-03-01T07:59:59Z") == 0
    assert found("2013-03-01T10:00:00+02:00") == 1
    assert found("2099-12") == 2


def test_a_commit_taken_back_is_no_answer_to_a_date_but_to_its_id() -> None:
    tables, (first, second) = trips_on("2013-03-01T08:00:00", "2013-03-02T08:00:00")
    tables.set_current("trips", first.snapshot_id, expected=second.snapshot_id)
    assert find_version(tables, tables, "trips", "2013-04") == first
    assert find_version(tables, tables, "trips", str(second.snapshot_id)) == second


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("before-eastr", "did you mean `before-easter`"),
        ("2012", "snapshot 2012"),
        ("2012-12", "no commit that arrived by 2012-12"),
        ("2013-13", "no version `2013-13`"),
    ],
)
def test_a_version_that_is_not_there_is_refused_saying_what_would_be(name: str, says: str) -> None:
    tables, (first,) = trips_on("2013-03-01T08:00:00")
    tables.tag("trips", first.snapshot_id, "before-easter")
    with pytest.raises(NotFound, match=says):
        find_version(tables, tables, "trips", name)


def test_a_table_without_commits_has_no_latest_version() -> None:
    tables, _ = trips_on()
    with pytest.raises(NotFound, match="trips"):
        find_version(tables, tables, "trips")
