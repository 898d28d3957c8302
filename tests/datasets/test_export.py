"""A version's rows can be written to a file in each format that may be uploaded."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidemill.datasets.export import write_rows
from tidemill.datasets.formats import read_batches
from tidemill.errors import InvalidRequest
from tidemill.expressions import Float, String, Timestamp
from tidemill.memory.tables import MemoryTables

SCHEMA = pa.schema([("origin", pa.string()), ("delay", pa.float64()), ("at", pa.timestamp("us", tz="UTC"))])
DECLARED = {"origin": String, "delay": Float, "at": Timestamp}


@pytest.fixture
def tables() -> MemoryTables:
    made = MemoryTables()
    made.ensure("flights", SCHEMA)
    for origin, delay in (("JFK", 0.1), ('Zürich, "ZRH"', None)):
        rows = pa.RecordBatch.from_pydict(
            {"origin": [origin], "delay": [delay], "at": [1_356_998_400_000_001]}, SCHEMA
        )
        made.append("flights", iter([rows]), {}, ids=[origin])
    return made


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv", "rows.jsonl"])
def test_what_is_exported_can_be_uploaded_again_as_it_was(
    tables: MemoryTables, tmp_path: Path, name: str
) -> None:
    file, latest = tmp_path / name, tables.commits("flights")[-1]
    assert write_rows(tables, tables, "flights", latest.snapshot_id, file) == 2
    with file.open("rb") as stream:
        read = pa.Table.from_batches(list(read_batches(stream, name=name, schema=DECLARED)))
    assert read.to_pylist() == tables.rows("flights").to_pylist()


def test_an_earlier_version_has_its_own_rows_and_columns(tables: MemoryTables, tmp_path: Path) -> None:
    tables.ensure("flights", SCHEMA.append(pa.field("dest", pa.string())))
    file, first = tmp_path / "rows.parquet", tables.commits("flights")[0]
    assert write_rows(tables, tables, "flights", first.snapshot_id, file) == 1
    assert pq.read_table(file).column_names == SCHEMA.names


def test_a_file_of_an_unknown_ending_is_refused(tables: MemoryTables, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"rows\.xlsx"):
        write_rows(tables, tables, "flights", 1001, tmp_path / "rows.xlsx")
    assert not list(tmp_path.iterdir())
