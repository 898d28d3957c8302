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
from tidemill.datasets.infer import FileFacts, infer_file
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.proposal import declaration
from tidemill.datasets.raw import likely_csv
from tidemill.errors import DeclarationError, UploadRefused
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
    assert (facts.rows, facts.key, facts.timestamp) == (100, ("ride_id",), "ended_at")
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
    text = declaration(facts, "rides")
    assert declared(text).csv == Csv(delimiter=";")
    assert 'csv=Csv(delimiter=";"),' in text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(("encoding", "ending"), [("utf-8", ""), ("utf-16", ""), ("latin-1", ".gz")])
def test_what_stands_between_values_is_found_out(delimiter: str, encoding: str, ending: str) -> None:
    text = f'id{delimiter}"note, and; more|so"{delimiter}at\n1{delimiter}é{delimiter}2013-01-01\n'
    data = gzip.compress(text.encode(encoding)) if ending else text.encode(encoding)
    file, name = io.BytesIO(data), f"f.csv{ending}"
    found = likely_csv(file, name=name, encoding=encoding)
    assert found == Csv(delimiter=delimiter, encoding=encoding)
    assert list(infer_file(file, name=name, csv=found).columns) == ["id", "note, and; more|so", "at"]


def test_what_is_no_csv_or_one_column_is_plain() -> None:
    for data, name in ((b'{"a;b": 1}', "f.jsonl"), (b"a\n1\n", "f.csv"), (b"", "f.csv")):
        assert likely_csv(io.BytesIO(data), name=name) == Csv()


def test_what_the_file_does_not_tell_is_left_to_its_reader() -> None:
    text = declaration(facts_of(b"a,b\n1,x\n1,y\n1,x\n", "f.csv"), "rides")
    assert "No column tells a row from all others, nor do up to three together" in text
    assert "No column is a time" in text
    with pytest.raises(DeclarationError, match="happened_at"):
        declared(text)


def hourly(days: int, *, repeated: bool = False) -> bytes:
    """Return readings of two gauges by the hour: neither the gauge nor the hour is a key."""
    lines = [
        f"{gauge},{day},{hour},2013-01-{day:02}T{hour:02}:00:00Z,{(day * hour) % 7}.5"
        for day in range(1, days + 1)
        for hour in range(24)
        for gauge in ("north", "south")
    ]
    return "\n".join(["gauge,day,hour,at,level", *lines, *(lines[-1:] if repeated else []), ""]).encode()


def test_columns_that_only_together_tell_rows_apart_are_the_key() -> None:
    """Where a row happened is part of it, if that is enough."""
    facts = facts_of(hourly(20), "levels.csv")
    assert facts.key == ("gauge", "at")
    text = declaration(facts, "rides")
    assert 'unique("gauge", "at"),' in text
    assert declared(text).key == ["gauge", "at"]


def test_a_key_of_the_first_rows_that_fails_later_is_none() -> None:
    """All rows are looked at, whatever the first tell."""
    lines = [f"{n % 331},{n // 331},2013-01-01" for n in range(40_000)]
    data = "\n".join(["a,b,at", *lines, lines[0], ""]).encode()
    assert facts_of(data, "f.csv").key == ()
    assert facts_of(hourly(20, repeated=True), "levels.csv").key == ()


def test_whole_numbers_without_a_gap_have_their_ends_for_bounds() -> None:
    """Month 13 is worth a warning; a fifth of what came in ones to fours is not."""
    text = declaration(facts_of(hourly(31), "levels.csv"), "rides")
    assert 'check((col("hour") >= 0) & (col("hour") <= 23), severity="warn"),' in text
    assert 'check((col("day") >= 1) & (col("day") <= 31), severity="warn"),' in text
    assert 'check((col("level") >= 0) & (col("level") <= 10), severity="warn"),' in text


def test_a_column_that_never_changes_has_no_bounds() -> None:
    """Of one value nobody knows how far the next may be."""
    data = b"id,year,at\n" + b"".join(b"%d,2013,2013-01-01\n" % n for n in range(100))
    assert 'col("year")' not in declaration(facts_of(data, "f.csv"), "rides")


@pytest.mark.parametrize("word", ['a "b"', "back\\slash", "née", "it's", "{brace}"])
def test_names_and_words_come_out_as_they_went_in(word: str) -> None:
    rows = [{"id": n, word: word, "at": "2013-01-01"} for n in range(60)]
    data = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    source = declared(declaration(facts_of(data, "f.jsonl"), "rides"))
    assert list(source.schema) == ["id", word, "at"]
    assert any(word in repr(check.expression) for check in source.row_checks if hasattr(check, "expression"))


def test_a_time_that_some_rows_lack_is_proposed_with_what_becomes_of_them() -> None:
    data = b"id,at\n1,2013-01-01\n2,\n3,2013-01-02\n"
    text = declaration(facts_of(data, "f.csv"), "rides")
    assert "# Null in 1 rows, which will be put aside." in text
    assert declared(text).timestamp == "at"


def test_lines_are_as_long_as_a_person_would_leave_them() -> None:
    words = [f"a word that is rather long, number {n}" for n in range(10)]
    data = "\n".join(["id,word,at", *(f'{n},"{words[n % 10]}",2013-01-01' for n in range(300)), ""]).encode()
    text = declaration(facts_of(data, "f.csv"), "rides")
    assert max(map(len, text.splitlines())) <= 110
    assert words[7] in repr(declared(text).row_checks)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "f.csv", "is empty"),
        (b"a,b\n1\n", "f.csv", "1 values in row 1 and 2 columns"),
        (b"a;b\n1;2\n", "f.csv", "say so with `--delimiter ';'`"),
        (b"a\tb\n1\t2\n", "f.csv", r"say so with `--delimiter '\t'`"),
        (b"PAR1", "f.parquet", "can not be read"),
        (b'{"a": {"b": 1}}\n', "f.jsonl", "column `a` is struct"),
        (b"a", "f.xlsx", "no known format"),
    ],
)
def test_a_file_that_can_not_be_read_is_refused_saying_why(data: bytes, name: str, words: str) -> None:
    with pytest.raises(UploadRefused) as refused:
        facts_of(data, name)
    assert words in str(refused.value)
