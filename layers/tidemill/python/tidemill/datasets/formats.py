"""Reading an uploaded file as typed record batches, a few megabytes at a time.

Every way a file can be wrong is an ``UploadRefused`` that names the column, the row and the next
step. Rows are counted from 1, the header apart.
"""

import gzip
import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.compression import decompressed, plain_name
from tidemill.datasets.conversion import BadValue, convert
from tidemill.datasets.json_lines import read_json_lines
from tidemill.errors import UploadRefused, did_you_mean
from tidemill.expressions.columns import Schema, Type
from tidemill.project.files import PLAIN_CSV, Csv

_CSV_BLOCK_BYTES = 4 * 1024 * 1024
_PARQUET_BATCH_ROWS = 65_536
_PARQUET_BUFFER_BYTES = 1024 * 1024  # of each column; without it a row group's columns are read whole
_Reader = Callable[[BinaryIO, str, Schema, Csv], Iterator[pa.RecordBatch]]
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_CHARACTERS = 80
# Arrow's words; its handler of invalid rows can not be used, as it fails on rows that are not UTF-8.
_UNEVEN_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


def read_batches(
    file: BinaryIO, *, name: str, schema: Schema, csv: Csv = PLAIN_CSV
) -> Iterator[pa.RecordBatch]:
    """Read a file as record batches of the schema's columns and types.

    Parameters
    ----------
    file
        Positioned at its start, able to seek.
    name
        The file's name, whose ending tells the format: ``.csv``, ``.parquet``, ``.jsonl`` or
        ``.ndjson``; the text formats also with ``.gz`` or ``.zst`` behind.
    schema
        The columns the file must have, and their types.
    csv
        How CSV is written, if not as most is.

    Yields
    ------
    pa.RecordBatch
        Rows in file order, columns in the schema's order; at least one row in all.

    Raises
    ------
    UploadRefused
        If the file is empty, broken or not of the schema.
    """
    read = _reader(name)
    if not file.read(1):
        raise UploadRefused(f"the file {name} is empty; upload it again whole")
    file.seek(0)
    rows = 0
    with decompressed(file, name) as plain, _decodable(name, csv):
        for batch in read(plain, name, schema, csv):
            if batch.num_rows:
                yield _typed(batch, schema, rows)
                rows += batch.num_rows
    if not rows:
        raise UploadRefused(f"the file {name} has no rows, a header at most; upload one with rows")


@contextmanager
def _decodable(name: str, csv: Csv) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        encoding = csv.encoding.upper()
        raise UploadRefused(
            f"the file {name} is not {encoding} ({error}); save it as {encoding} and upload it again"
        ) from error


def _reader(name: str) -> _Reader:
    plain = plain_name(name)
    for ending, reader in _READERS.items():
        if plain.endswith(ending) and (plain == name.lower() or ending != ".parquet"):
            return reader
    raise UploadRefused(
        f"the file {name} is of no known format; name it .csv, .jsonl or .parquet, "
        "the first two also with .gz or .zst behind"
    )


def _read_csv(file: BinaryIO, name: str, schema: Schema, csv: Csv) -> Iterator[pa.RecordBatch]:
    if csv.encoding == Csv.encoding and _first_two(file) in _UTF_16_MARKS:
        raise UploadRefused(f"the file {name} is UTF-16; save it as UTF-8 and upload it again")
    try:
        reader = pa_csv.open_csv(
            file,
            pa_csv.ReadOptions(
                use_threads=False,
                block_size=_CSV_BLOCK_BYTES,
                column_names=csv.header,
                encoding=csv.encoding,
            ),
            pa_csv.ParseOptions(
                delimiter=csv.delimiter, quote_char=csv.quote or False, newlines_in_values=True
            ),
            # As bytes: types are parsed afterwards, where the row of a wrong value is known.
            pa_csv.ConvertOptions(column_types=dict.fromkeys(schema, pa.binary())),
        )
        _check_names(reader.schema.names, name, schema)
        yield from reader
    except pa.ArrowInvalid as error:
        if (uneven := _UNEVEN_ROW.search(str(error))) is not None:
            row, columns, values = map(int, uneven.groups())
            raise UploadRefused(
                f"the file {name} has {values} values in row {row - (csv.header is None)} and "
                f"{columns} columns; correct the row and upload the file again"
            ) from error
        if "Empty CSV file" in str(error):
            return
        raise UploadRefused(f"the file {name} is no CSV that can be read: {error}; correct it") from error


def _first_two(file: BinaryIO) -> bytes:
    """Look at the first two bytes; what is decompressed looks ahead, as it may not be able to seek."""
    if isinstance(file, io.BufferedReader | gzip.GzipFile):
        return file.peek(2)[:2]
    start = file.read(2)
    file.seek(0)
    return start


def _read_parquet(file: BinaryIO, name: str, schema: Schema, _: Csv) -> Iterator[pa.RecordBatch]:
    try:
        parquet = pq.ParquetFile(file, buffer_size=_PARQUET_BUFFER_BYTES, pre_buffer=False)
        _check_names(parquet.schema_arrow.names, name, schema)
        yield from parquet.iter_batches(
            batch_size=_PARQUET_BATCH_ROWS, columns=list(schema), use_threads=False
        )
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise UploadRefused(f"the file {name} is no whole Parquet file ({error}); upload it again") from error


def _check_names(names: list[str], name: str, schema: Schema) -> None:
    for column in schema:
        if column not in names:
            raise UploadRefused(f"the file {name} has no column `{column}`{did_you_mean(column, names)}")
    for position, column in enumerate(names):
        if column not in schema:
            raise UploadRefused(
                f"the file {name} has a column `{column}` that its source does not declare"
                f"{did_you_mean(column, schema)}"
            )
        if column in names[:position]:
            raise UploadRefused(f"the file {name} has two columns `{column}`; remove one")


def _typed(batch: pa.RecordBatch, schema: Schema, rows_before: int) -> pa.RecordBatch:
    arrays = []
    wrong: list[tuple[int, str, Type, object]] = []
    for name, type_ in schema.items():
        try:
            arrays.append(convert(batch.column(name), type_))
        except BadValue as bad:
            wrong.append((bad.position, name, type_, bad.value))
    if wrong:
        position, name, type_, value = min(wrong, key=lambda each: each[0])
        text = ", not UTF-8 text" if isinstance(value, bytes) else f" is no {type_.value}"
        raise UploadRefused(
            f"row {rows_before + position + 1}, column `{name}`: {repr(value)[:_SHOWN_CHARACTERS]}{text}; "
            "correct it and upload the file again"
        )
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(schema))


def _read_json_lines(file: BinaryIO, name: str, schema: Schema, _: Csv) -> Iterator[pa.RecordBatch]:
    return read_json_lines(file, name, schema)


_READERS: dict[str, _Reader] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
