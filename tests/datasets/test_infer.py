"""What is proposed for a file is a source that takes the file, and knows its types."""

import gzip
import io
import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidemill import Csv, Project, Source
from tidemill.datasets.infer import FileFacts, declaration, infer_file
from tidemill.datasets.ingest import ingest_upload
from tidemill.errors import UploadRefused
from tidemill.expressions import Type

ROWS: list[dict[str, Any]] = [
    {
        "ride_id": f"r{n}",
        "zone": "007",
        "city": ["Oslo", "Rome"][n % 2],
        "minutes": 0.5 * n if n % 10 else None,
        "riders": n % 4,
        "paid": n % 3 == 0,
        "began_at": datetime(2013, 1, 1, n % 24, tzinfo=UTC),
        "ended_at": datetime(2013, 1, 2, n % 24, tzinfo=UTC),
        "note": None,
    }
    for n in range(100)
]
TYPES = {
    "ride_id": Type.STRING,
    "zone": Type.STRING,
    "city": Type.STRING,
    "minutes": Type.FLOAT,
    "riders": Type.INT,
    "paid": Type.BOOL,
    "began_at": Type.TIMESTAMP,
    "ended_at": Type.TIMESTAMP,
    "note": Type.STRING,
}


def as_csv(delimiter: str = ",") -> bytes:
    def cell(value: Any) -> str:
        return "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)

    lines = [delimiter.join(ROWS[0]), *(delimiter.join(map(cell, row.values())) for row in ROWS)]
    return "\n".join(lines).encode()


def as_parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), buffer)
    return buffer.getvalue()


FILES = {
    "rides.csv": as_csv(),
    "rides.csv.gz": gzip.compress(as_csv()),
    "rides.parquet": as_parquet(),
    "rides.jsonl": b"".join(json.dumps(row, default=datetime.isoformat).encode() + b"\n" for row in ROWS),
}


def facts_of(data: bytes, name: str, **options: Any) -> FileFacts:
    return infer_file(io.BytesIO(data), name=name, **options)


def declared(text: str) -> Source:
    namespace: dict[str, Any] = {}
    exec(text, namespace)  # noqa: S102  # the proposal is a module; this is how one is read
    source = namespace["rides"]
    assert isinstance(source, Source)
    return source


@pytest.mark.parametrize("name", FILES)
def test_types_key_and_time_are_found_in_every_format(name: str) -> None:
    facts = facts_of(FILES[name], name)
    assert {column: each.type for column, each in facts.columns.items()} == TYPES
    assert (facts.rows, facts.key, facts.timestamp) == (100, "ride_id", "ended_at")
    assert facts.columns["minutes"].nulls == 10


@pytest.mark.parametrize("name", FILES)
def test_the_proposed_source_takes_the_file_it_was_proposed_for(cloud: Any, name: str) -> None:
    source = declared(declaration(facts_of(FILES[name], name), "rides"))
    upload = cloud.put(FILES[name], name, source="rides")
    outcome = ingest_upload(
        upload,
        project=Project("bikes", [source], []),
        blobs=cloud.blobs,
        tables=cloud.tables,
        documents=cloud.documents,
        events=cloud.events,
    )
    assert outcome.status == "committed", outcome.error
    assert outcome.record is not None
    assert (outcome.record["rows"], outcome.record["quarantined"], outcome.record["warnings"]) == (100, 0, 0)


def test_the_proposal_reads_as_a_person_would_write_it() -> None:
    text = declaration(facts_of(FILES["rides.csv"], "rides.csv"), "rides")
    for line in (
        (
            "from tidemill import "
            "Bool, Float, Int, Source, String, Timestamp, check, col, null_rate, row_count, unique"
        ),
        '        "minutes": Float,',
        '    key=["ride_id"],',
        '        unique("ride_id"),',
        "        row_count(at_least=50),",
        '        col("city").is_in(["Oslo", "Rome"]),',
        '        check((col("riders") >= 0) & (col("riders") <= 5), severity="warn"),',
        '        null_rate("minutes", at_most=0.16),',
    ):
        assert line in text.splitlines()


def test_how_the_file_is_written_is_declared_with_it() -> None:
    facts = facts_of(as_csv(";"), "rides.csv", csv=Csv(delimiter=";"))
    assert declared(declaration(facts, "rides")).csv == Csv(delimiter=";")


def test_what_the_file_does_not_tell_is_left_to_its_reader() -> None:
    text = declaration(facts_of(b"a,b\n1,x\n1,y\n1,x\n", "f.csv"), "rides")
    assert "No column by itself tells a row from all others" in text
    assert "No column is a time in every row" in text


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "f.csv", "is empty"),
        (b"a,b\n1\n", "f.csv", "1 values in row 1 and 2 columns"),
        (b"PAR1", "f.parquet", "can not be read"),
        (b'{"a": {"b": 1}}\n', "f.jsonl", "column `a` is struct"),
        (b"a", "f.xlsx", "no known format"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_saying_why(data: bytes, name: str, words: str) -> None:
    with pytest.raises(UploadRefused) as refused:
        facts_of(data, name)
    assert words in str(refused.value)
