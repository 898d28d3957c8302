"""What every implementation of Tables must hold."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from tidemill.datasets.hashes import hash_rows
from tidemill.datasets.tables import Tables
from tidemill.errors import Conflict, NotFound

SCHEMA = pa.schema(
    [
        pa.field("name", pa.string()),
        pa.field("count", pa.int64()),
        pa.field("share", pa.float64()),
        pa.field("good", pa.bool_()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("features", pa.list_(pa.float32())),
    ]
)


def batch(*names: str) -> pa.RecordBatch:
    rows = [
        {
            "name": name,
            "count": 9007199254740993,
            "share": 0.1,
            "good": None,
            "at": 1,
            "features": [1.5, None],
        }
        for name in names
    ]
    return pa.RecordBatch.from_pylist(rows, SCHEMA)


def names(table: pa.Table) -> list[str]:
    return sorted(table.column("name").to_pylist())


@pytest.fixture
def flights(tables: Tables) -> Tables:
    """Return the tables, with one named `flights` in them."""
    tables.ensure("flights", SCHEMA)
    return tables


def test_a_missing_table_is_not_found_by_name(tables: Tables) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        tables.rows("nowhere")
    with pytest.raises(NotFound, match="nowhere"):
        tables.commits("nowhere")
    with pytest.raises(NotFound, match="nowhere"):
        tables.append("nowhere", iter([]), {}, ids=["a"])
    with pytest.raises(NotFound, match="nowhere"):
        tables.tag("nowhere", 1, "t")


def test_a_new_table_is_empty_with_its_columns(flights: Tables) -> None:
    assert flights.commits("flights") == []
    assert flights.rows("flights").num_rows == 0
    assert flights.rows("flights").column_names == SCHEMA.names
    assert flights.rows("flights", columns=["at", "name"]).num_rows == 0


def test_ensuring_a_table_again_keeps_its_rows(flights: Tables) -> None:
    flights.append("flights", iter([batch("a")]), {}, ids=["1"])
    flights.ensure("flights", SCHEMA)
    assert names(flights.rows("flights")) == ["a"]


def test_a_column_declared_later_is_null_in_the_rows_before(flights: Tables) -> None:
    flights.append("flights", iter([batch("a")]), {}, ids=["1"])
    flights.ensure("flights", SCHEMA.append(pa.field("dest", pa.string())))
    assert flights.rows("flights").column("dest").to_pylist() == [None]
    wider = batch("b").append_column("dest", pa.array(["JFK"]))
    flights.append("flights", iter([wider]), {}, ids=["2"])
    assert sorted(map(str, flights.rows("flights").column("dest").to_pylist())) == ["JFK", "None"]


def test_rows_come_back_as_they_were(flights: Tables) -> None:
    flights.append("flights", iter([batch("a", "b")]), {}, ids=["1"])
    stored = flights.rows("flights").sort_by("name")
    assert stored.to_pylist() == pa.Table.from_batches([batch("a", "b")]).to_pylist()
    assert stored.schema.field("at").type == pa.timestamp("us", tz="UTC")


def test_an_append_is_one_commit_with_its_properties_and_ids(flights: Tables) -> None:
    appended = flights.append("flights", iter([batch("a"), batch("b")]), {"rows": "2"}, ids=["x", "y"])
    assert appended.new
    assert appended.commit.properties["rows"] == "2"
    assert appended.commit.ids == {"x", "y"}
    assert list(flights.commits("flights")) == [appended.commit]


def test_an_append_of_no_rows_is_a_commit_too(flights: Tables) -> None:
    assert flights.append("flights", iter([]), {}, ids=["1"]).new
    assert len(flights.commits("flights")) == 1
    assert flights.rows("flights").num_rows == 0


def test_properties_are_read_after_the_data_is_exhausted(flights: Tables) -> None:
    properties: dict[str, str] = {}

    def counting() -> Iterator[pa.RecordBatch]:
        yield batch("a")
        yield batch("b")
        properties["rows"] = "2"

    assert flights.append("flights", counting(), properties, ids=["1"]).commit.properties["rows"] == "2"


def test_an_id_is_committed_once_and_its_commit_is_answered(flights: Tables) -> None:
    first = flights.append("flights", iter([batch("a")]), {"rows": "1"}, ids=["x", "y"])
    flights.append("flights", iter([batch("b")]), {}, ids=["z"])

    untouched = iter([batch("c")])
    again = flights.append("flights", untouched, {"rows": "9"}, ids=["y"])
    assert again == (first.commit, False)
    assert next(untouched).num_rows == 1
    assert names(flights.rows("flights")) == ["a", "b"]


def test_of_racing_appends_of_one_id_exactly_one_commits(flights: Tables) -> None:
    def append(_: int) -> bool:
        return flights.append("flights", iter([batch("a")]), {}, ids=["same"]).new

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(append, range(4))) == 1
    assert names(flights.rows("flights")) == ["a"]


def test_racing_appends_of_different_ids_all_commit(flights: Tables) -> None:
    def append(number: int) -> bool:
        return flights.append("flights", iter([batch(str(number))]), {}, ids=[f"id-{number}"]).new

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(append, range(6)))
    assert names(flights.rows("flights")) == [str(number) for number in range(6)]
    sequences = [commit.sequence for commit in flights.commits("flights")]
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 6


def test_data_that_fails_leaves_the_table_as_it_was(flights: Tables) -> None:
    flights.append("flights", iter([batch("a")]), {}, ids=["1"])

    def failing() -> Iterator[pa.RecordBatch]:
        yield batch("b")
        raise LookupError("row 2")

    with pytest.raises(LookupError, match="row 2"):
        flights.append("flights", failing(), {}, ids=["2"])
    assert names(flights.rows("flights")) == ["a"]
    assert flights.append("flights", iter([batch("b")]), {}, ids=["2"]).new


def test_history_is_oldest_first_and_can_be_cut_to_the_newest(flights: Tables) -> None:
    made = [flights.append("flights", iter([batch(str(n))]), {}, ids=[str(n)]).commit for n in range(4)]
    assert list(flights.commits("flights")) == made
    assert list(flights.commits("flights", last=2)) == made[2:]
    assert list(flights.commits("flights", last=9)) == made
    assert list(flights.commits("flights", last=0)) == []


def test_rows_can_be_read_as_of_a_snapshot_or_only_those_it_added(flights: Tables) -> None:
    made = [flights.append("flights", iter([batch(str(n))]), {}, ids=[str(n)]).commit for n in range(3)]
    assert names(flights.rows("flights", snapshot_id=made[1].snapshot_id)) == ["0", "1"]
    assert names(flights.rows("flights", snapshot_id=made[1].snapshot_id, added_only=True)) == ["1"]
    assert names(flights.rows("flights", snapshot_id=made[0].snapshot_id, added_only=True)) == ["0"]
    assert names(flights.rows("flights", added_only=True)) == ["2"]


def test_what_was_added_since_a_commit_is_read_and_is_never_more_than_that(flights: Tables) -> None:
    made = [flights.append("flights", iter([batch(str(n))]), {}, ids=[str(n)]).commit for n in range(4)]
    ids = [commit.snapshot_id for commit in made]
    assert names(flights.rows("flights", snapshot_id=ids[3], since=ids[1])) == ["2", "3"]
    assert names(flights.rows("flights", snapshot_id=ids[2], since=ids[0], columns=["name"])) == ["1", "2"]
    assert names(flights.rows("flights", snapshot_id=ids[1], since=ids[1])) == []
    with pytest.raises(NotFound, match=f"snapshot {ids[3]} has expired or was taken back"):
        flights.rows("flights", snapshot_id=ids[1], since=ids[3])


def test_a_snapshot_that_never_was_is_not_found(flights: Tables) -> None:
    with pytest.raises(NotFound, match="12345"):
        flights.rows("flights", snapshot_id=12345)
    with pytest.raises(NotFound, match="12345"):
        flights.tag("flights", 12345, "t")


def test_a_tag_can_be_set_again_the_same_way_only(flights: Tables) -> None:
    first = flights.append("flights", iter([batch("a")]), {}, ids=["1"]).commit
    second = flights.append("flights", iter([batch("b")]), {}, ids=["2"]).commit
    flights.tag("flights", first.snapshot_id, "late_arrival-1")
    flights.tag("flights", first.snapshot_id, "late_arrival-1")
    with pytest.raises(Conflict, match="late_arrival-1"):
        flights.tag("flights", second.snapshot_id, "late_arrival-1")
    assert list(flights.commits("flights")) == [first, second]


def test_columns_can_be_chosen(flights: Tables) -> None:
    flights.append("flights", iter([batch("a")]), {}, ids=["1"])
    chosen = flights.rows("flights", columns=["count", "name"])
    assert set(chosen.column_names) == {"name", "count"}


def test_rows_read_back_hash_as_those_that_were_written(flights: Tables) -> None:
    """A key that refers to another source is looked for by its hash among that table's rows."""
    written = batch("JFK", "LGA", "Bærum-lufthavn")
    flights.append("flights", iter([written]), {}, ids=["a"])
    [read] = flights.rows("flights").combine_chunks().to_batches()
    keys = ["name", "count", "share", "at"]
    assert sorted(hash_rows([read.column(key) for key in keys]).tolist()) == sorted(
        hash_rows([written.column(key) for key in keys]).tolist()
    )
