"""Files that can be read, and every way they can be wrong."""

import contextlib
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidemill import Bool, Csv, Float, Int, String, Timestamp
from tidemill.datasets.arrow import arrow_schema, to_columns
from tidemill.datasets.formats import read_batches
from tidemill.errors import UploadRefused

SCHEMA = {"id": String, "n": Int, "x": Float, "ok": Bool, "at": Timestamp}
NOON = datetime(2013, 1, 1, 12, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"id": "a", "n": 1, "x": 0.5, "ok": True, "at": NOON},
    {"id": 'ü, "b"\n', "n": -(2**63), "x": None, "ok": False, "at": None},
    {"id": None, "n": None, "x": 1e300, "ok": None, "at": NOON},
]
HEADER = b"id,n,x,ok,at\n"


def read(data: bytes, name: str, schema: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    batches = list(read_batches(io.BytesIO(data), name=name, schema=schema or SCHEMA))
    rows: list[dict[str, Any]] = pa.Table.from_batches(batches).to_pylist()
    return rows


def refusal(data: bytes, name: str = "f.csv") -> str:
    with pytest.raises(UploadRefused) as refused:
        read(data, name)
    return str(refused.value)


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    def cell(value: Any) -> str:
        text = "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)
        return '"' + text.replace('"', '""') + '"'

    return HEADER + "".join(",".join(cell(row[name]) for name in SCHEMA) + "\n" for row in rows).encode()


def as_json_lines(rows: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row, default=datetime.isoformat).encode() + b"\n" for row in rows)


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, arrow_schema(SCHEMA)), buffer)
    return buffer.getvalue()


WRITERS = {"f.csv": as_csv, "f.jsonl": as_json_lines, "f.ndjson": as_json_lines, "f.parquet": as_parquet}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(name: str) -> None:
    assert read(WRITERS[name](ROWS), name) == ROWS


def zstd(data: bytes) -> bytes:
    compressed: bytes = pa.compress(data, codec="zstd", asbytes=True)
    return compressed


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl"])
@pytest.mark.parametrize(("compress", "ending"), [(gzip.compress, "gz"), (zstd, "zst")])
def test_the_text_formats_may_be_compressed(
    name: str, compress: Callable[[bytes], bytes], ending: str
) -> None:
    data = WRITERS[name](ROWS)
    assert read(compress(data), f"{name}.{ending}") == ROWS
    assert read(compress(data[:20]) + compress(data[20:]), f"{name}.{ending}") == ROWS, "in two frames"


@pytest.mark.parametrize(
    ("compress", "ending", "kind"), [(gzip.compress, "gz", "gzip"), (zstd, "zst", "zstd")]
)
def test_a_compressed_file_that_is_not_whole_is_refused(
    compress: Callable[[bytes], bytes], ending: str, kind: str
) -> None:
    whole = compress(as_csv(ROWS * 100))
    for broken in (whole[:-5], whole[: len(whole) // 2], b"id,n,x,ok,at\na,1,1,,\n"):
        assert f"no whole {kind} file" in refusal(broken, f"f.csv.{ending}")


def read_csv(text: str, csv: Csv) -> list[dict[str, Any]]:
    file = io.BytesIO(text.encode(csv.encoding))
    batches = list(read_batches(file, name="f.csv", schema={"id": String, "n": Int}, csv=csv))
    rows: list[dict[str, Any]] = pa.Table.from_batches(batches).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("text", "csv"),
    [
        ("id;n\né;1\n", Csv(delimiter=";")),
        ("id\tn\né\t1\n", Csv(delimiter="\t")),
        ("id|n\n'é'|'1'\n", Csv(delimiter="|", quote="'")),
        ("id,n\né,1\n", Csv(encoding="latin-1")),
        ("id,n\né,1\n", Csv(encoding="utf-16")),
        ("é,1\n", Csv(header=["id", "n"])),
        ("1,é\n", Csv(header=["n", "id"])),
    ],
)
def test_csv_is_read_as_its_source_says_it_is_written(text: str, csv: Csv) -> None:
    assert read_csv(text, csv) == [{"id": "é", "n": 1}]


def test_without_a_quote_character_a_quote_is_a_character() -> None:
    assert read_csv('id,n\n"a,1\n', Csv(quote=None)) == [{"id": '"a', "n": 1}]


def test_rows_are_counted_right_where_there_is_no_header() -> None:
    with pytest.raises(UploadRefused, match="3 values in row 2 and 2 columns"):
        read_csv("a,1\nb,2,3\n", Csv(header=["id", "n"]))
    with pytest.raises(UploadRefused, match="row 2, column `n`"):
        read_csv("a,1\nb,x\n", Csv(header=["id", "n"]))


def test_a_file_of_another_encoding_is_refused_naming_the_one_declared() -> None:
    with pytest.raises(UploadRefused, match="is not ASCII"):
        list(
            read_batches(
                io.BytesIO("id,n\né,1\n".encode()),
                name="f.csv",
                schema={"id": String, "n": Int},
                csv=Csv(encoding="ascii"),
            )
        )


def test_the_ending_may_be_in_capitals() -> None:
    assert read(as_csv(ROWS), "F.CSV") == ROWS


def test_columns_come_in_the_order_of_the_schema_whatever_the_files() -> None:
    batch = next(read_batches(io.BytesIO(b"at,ok,x,n,id\n,,,1,a\n"), name="f.csv", schema=SCHEMA))
    assert batch.schema == arrow_schema(SCHEMA)


def test_numbers_truths_and_times_may_be_written_as_common_tools_write_them() -> None:
    text = (
        b"a,3.0,1e-3,TRUE,2013-01-01\n"
        b"b, 4 ,NA,0,2013-01-01 12:00:00+0200\n"
        b"NA,NA,nan,NA,2013-01-01T12:00:00.123456789Z\n"
    )
    first, second, third = read(HEADER + text, "f.csv")
    assert first == {"id": "a", "n": 3, "x": 0.001, "ok": True, "at": datetime(2013, 1, 1, tzinfo=UTC)}
    assert second == {"id": "b", "n": 4, "x": None, "ok": False, "at": datetime(2013, 1, 1, 10, tzinfo=UTC)}
    assert third["at"] == datetime(2013, 1, 1, 12, microsecond=123456, tzinfo=UTC)
    assert third["id"] == "NA", "NA is a country, a carrier, a name: in strings it is no null"
    assert third["x"] is None


def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_first_column() -> None:
    assert read(b"\xef\xbb\xbf" + as_csv(ROWS), "f.csv") == ROWS


def test_parquet_of_other_tools_is_taken_for_what_it_means() -> None:
    buffer = io.BytesIO()
    table = pa.table(
        {
            "id": pa.array(["a", "a"]).dictionary_encode(),
            "n": pa.array([1.0, float("nan")]),
            "x": pa.array([1, None], pa.int8()),
            "ok": pa.array([1, 0], pa.int8()),
            "at": pa.array([1, None], pa.timestamp("ns")),
        }
    )
    pq.write_table(table, buffer)
    first, second = read(buffer.getvalue(), "f.parquet")
    assert first == {"id": "a", "n": 1, "x": 1.0, "ok": True, "at": datetime(1970, 1, 1, tzinfo=UTC)}
    assert second == {"id": "a", "n": None, "x": None, "ok": False, "at": None}


def test_a_time_outside_the_calendar_is_refused() -> None:
    buffer = io.BytesIO()
    table = pa.table({**dict.fromkeys(SCHEMA, pa.nulls(1)), "at": pa.array([-(2**62)], pa.timestamp("us"))})
    pq.write_table(table, buffer)
    assert "column `at`" in refusal(buffer.getvalue(), "f.parquet")
    assert "column `at`: '0000-01-01'" in refusal(HEADER + b"a,,,,0000-01-01\n")


@pytest.mark.parametrize("name", [*WRITERS, "f.csv.gz"])
def test_an_empty_file_is_refused(name: str) -> None:
    assert "is empty" in refusal(b"", name)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("f.csv", HEADER),
        ("f.csv", HEADER.strip()),
        ("f.csv", b"\n\n"),
        ("f.jsonl", b"\n \n"),
        ("f.parquet", as_parquet([])),
        ("f.csv.gz", gzip.compress(b"")),
    ],
)
def test_a_file_without_rows_is_refused(name: str, data: bytes) -> None:
    assert "has no rows" in refusal(data, name)


def test_a_format_nobody_knows_is_refused_naming_the_known_ones() -> None:
    message = refusal(b"x", "f.xlsx")
    assert "f.xlsx" in message
    assert ".parquet" in message
    assert "no known format" in refusal(b"x", "f.parquet.gz")


def test_a_missing_column_is_refused_by_name_with_the_nearest_there_is() -> None:
    assert "no column `ok`; did you mean `okay`?" in refusal(b"id,n,x,okay,at\na,1,1,1,\n")
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": ["a"]}), buffer)
    assert "no column `n`" in refusal(buffer.getvalue(), "f.parquet")
    assert "no column `at` in any row" in refusal(b'{"id": "a", "n": 1, "x": 1, "ok": true}\n', "f.jsonl")


def test_a_column_too_many_is_refused_by_name() -> None:
    assert "column `extra` that its source does not declare" in refusal(b"id,n,x,ok,at,extra\na,1,1,1,,1\n")
    assert "two columns `id`" in refusal(b"id,id,n,x,ok,at\na,b,1,1,1,\n")
    unknown = b'{"id": "a"}\n{"m": 1}\n'
    assert "row 2 has a column `m` that its source does not declare" in refusal(unknown, "f.jsonl")


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("n", "one"),
        ("n", "1.5"),
        ("n", "99999999999999999999"),
        ("x", "12,5"),
        ("ok", "yes"),
        ("at", "2013-13-01"),
    ],
)
def test_a_value_of_a_wrong_type_is_refused_with_row_column_and_value(column: str, text: str) -> None:
    good = dict.fromkeys(SCHEMA, "") | {"id": "a"}
    rows = [good] * 5 + [good | {column: text}] + [good] * 3 + [good | {column: "also wrong"}]
    message = refusal(as_csv(rows))
    assert message.startswith(f"row 6, column `{column}`: {text!r}")
    assert "upload the file again" in message
    as_json = [{name: row[name] or None for name in SCHEMA} for row in rows]
    assert refusal(as_json_lines(as_json), "f.jsonl").startswith(f"row 6, column `{column}`: {text!r}")


def test_a_wrong_value_in_row_1_000_001_is_found_there_without_holding_the_file() -> None:
    rows = 1_000_000
    block = b"a,1,0.5,true,2013-01-01T00:00:00Z\n" * 1000
    data = HEADER + block * (rows // 1000) + b"a,1,fast,true,\n" + block
    batches = read_batches(io.BytesIO(data), name="f.csv", schema=SCHEMA)
    seen = 0
    largest = 0

    def count() -> None:
        nonlocal seen, largest
        for batch in batches:
            seen += batch.num_rows
            largest = max(largest, batch.nbytes)

    with pytest.raises(UploadRefused, match="row 1000001, column `x`: 'fast' is no float"):
        count()
    assert 0 < seen <= rows
    assert largest < 16 * 1024 * 1024


def test_a_row_with_too_few_or_too_many_values_is_refused_by_its_number() -> None:
    assert "has 2 values in row 2 and 5 columns" in refusal(HEADER + b"a,1,1,1,\na,1\n")
    assert "has 6 values in row 1 and 5 columns" in refusal(HEADER + b"a,1,1,1,,9\n")


def test_text_that_is_not_utf_8_is_refused_with_its_row() -> None:
    assert "row 2, column `id`: b'M\\xfcnchen', not UTF-8 text" in refusal(
        HEADER + b"a,,,,\nM\xfcnchen,,,,\n"
    )
    assert "UTF-16" in refusal("id,n,x,ok,at\na,,,,\n".encode("utf-16"))
    assert "row 2 " in refusal(b'{"id": "a"}\n{"id": "M\xfcnchen"}\n', "f.jsonl")


def test_a_truncated_parquet_file_is_refused() -> None:
    whole = as_parquet(ROWS)
    for length in (3, len(whole) // 2, len(whole) - 1):
        assert "no whole Parquet file" in refusal(whole[:length], "f.parquet")


def test_a_parquet_file_with_broken_pages_is_refused() -> None:
    whole = bytearray(as_parquet(ROWS * 1000))
    whole[4:400] = bytes(396)
    assert "no whole Parquet file" in refusal(bytes(whole), "f.parquet")


def test_a_truncated_gzip_file_is_refused() -> None:
    whole = gzip.compress(as_csv(ROWS * 1000))
    assert "no whole gzip file" in refusal(whole[: len(whole) // 2], "f.csv.gz")
    assert "no whole gzip file" in refusal(as_csv(ROWS), "f.csv.gz")


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[1]",
        b"nonsense",
        b'{"n": {"deep": 1}}',
        b'{"n": [1]}',
        b'{"n": "1"}',
        b'{"n": true}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_row_is_refused_by_its_number(line: bytes) -> None:
    assert refusal(b'{"id": "a", "n": 1}\n\n' + line + b"\n", "f.jsonl").startswith("row 2")


def test_json_integers_may_be_written_as_floats_and_keys_left_out() -> None:
    rows = read(b'{"id": "a", "n": 3.0, "x": 2, "ok": null, "at": null}\n{"id": "b"}', "f.jsonl")
    assert [row["n"] for row in rows] == [3, None]
    assert [row["x"] for row in rows] == [2.0, None]


def test_json_blocks_end_where_lines_end() -> None:
    line = as_json_lines([{"id": "a" * 100, "n": 1, "x": 1.0, "ok": True, "at": NOON}])
    rows = 60_000  # some 9 MB: several blocks
    assert (
        sum(batch.num_rows for batch in read_batches(io.BytesIO(line * rows), name="f.jsonl", schema=SCHEMA))
        == rows
    )


cells = {
    "id": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1),
    "n": st.none() | st.integers(-(2**63), 2**63 - 1),
    "x": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "ok": st.none() | st.booleans(),
    "at": st.none()
    | st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda t: t.replace(tzinfo=UTC)),  # noqa: DTZ001  # hypothesis wants them naive
}


@given(st.lists(st.fixed_dictionaries(cells), min_size=1, max_size=20))
def test_what_is_written_is_what_is_read_in_every_format(rows: list[dict[str, Any]]) -> None:
    for name, write in WRITERS.items():
        assert read(write(rows), name) == rows


@example(b"null", "f.jsonl")  # what Arrow's reader dies of
@given(st.binary(max_size=400), st.sampled_from(["f.csv", "f.csv.gz", "f.jsonl", "f.parquet"]))
def test_any_bytes_at_all_are_read_or_refused_and_nothing_else(data: bytes, name: str) -> None:
    with contextlib.suppress(UploadRefused):
        read(data, name)


@given(st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["f.csv", "f.jsonl", "f.parquet"]))
    whole = bytearray(WRITERS[name](ROWS))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UploadRefused):
        for batch in read_batches(io.BytesIO(bytes(whole)), name=name, schema=SCHEMA):
            to_columns(batch, SCHEMA)


def test_a_stream_that_breaks_is_no_fault_of_the_file() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 1:
                raise ConnectionError("gone")
            return super().read(size)

    broken: BinaryIO = Broken(as_csv(ROWS))
    with pytest.raises(ConnectionError):
        list(read_batches(broken, name="f.csv", schema=SCHEMA))
