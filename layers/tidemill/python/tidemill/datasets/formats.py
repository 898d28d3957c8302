"""Reading an uploaded file as typed record batches, a few megabytes at a time.

Every way a file can be wrong is an ``UploadRefused`` that names the column, the row and the next
step. Rows are counted from 1, the header apart.
"""

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.conversion import BadValue, convert
from tidemill.datasets.json_lines import read_json_lines
from tidemill.errors import UploadRefused, did_you_mean
from tidemill.expressions.columns import Schema, Type

_CSV_BLOCK_BYTES = 4 * 1024 * 1024
_PARQUET_BATCH_ROWS = 65_536
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_CHARACTERS = 80
# Arrow's words; its handler of invalid rows can not be used, as it fails on rows that are not UTF-8.
_UNEVEN_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


def read_batches(file: BinaryIO, *, name: str, schema: Schema) -> Iterator[pa.RecordBatch]:
    """Read a file as record batches of the schema's columns and types.

    Parameters
    ----------
    file
        Positioned at its start, able to seek.
    name
        The file's name, whose ending tells the format: ``.csv``, ``.parquet``, ``.jsonl`` or
        ``.ndjson``; the text formats also with ``.gz`` behind.
    schema
        The columns the file must have, and their types.

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
    with _broken_file(name):
        for batch in read(_opened(file, name), name, schema):
            if batch.num_rows:
                yield _typed(batch, schema, rows)
                rows += batch.num_rows
    if not rows:
        raise UploadRefused(f"the file {name} has no rows, a header at most; upload one with rows")


def _reader(name: str) -> Callable[[BinaryIO, str, Schema], Iterator[pa.RecordBatch]]:
    plain = name.lower().removesuffix(".gz")
    for ending, reader in _READERS.items():
        if plain.endswith(ending) and (plain == name.lower() or ending != ".parquet"):
            return reader
    raise UploadRefused(
        f"the file {name} is of no known format; name it .csv, .csv.gz, .parquet, .jsonl or .jsonl.gz"
    )


def _opened(file: BinaryIO, name: str) -> BinaryIO:
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if name.lower().endswith(".gz") else file


@contextmanager
def _broken_file(name: str) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UploadRefused(f"the file {name} is no whole gzip file ({error}); upload it again") from error
    except UnicodeDecodeError as error:
        raise UploadRefused(
            f"the file {name} is not UTF-8 ({error}); save it as UTF-8 and upload it again"
        ) from error


def _read_csv(file: BinaryIO, name: str, schema: Schema) -> Iterator[pa.RecordBatch]:
    if file.read(2) in _UTF_16_MARKS:
        raise UploadRefused(f"the file {name} is UTF-16; save it as UTF-8 and upload it again")
    file.seek(0)
    try:
        reader = pa_csv.open_csv(
            file,
            pa_csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK_BYTES),
            pa_csv.ParseOptions(newlines_in_values=True),
            # As bytes: types are parsed afterwards, where the row of a wrong value is known.
            pa_csv.ConvertOptions(column_types=dict.fromkeys(schema, pa.binary())),
        )
        _check_names(reader.schema.names, name, schema)
        yield from reader
    except pa.ArrowInvalid as error:
        if (uneven := _UNEVEN_ROW.search(str(error))) is not None:
            row, columns, values = map(int, uneven.groups())
            raise UploadRefused(
                f"the file {name} has {values} values in row {row - 1} and {columns} columns; "
                "correct the row and upload the file again"
            ) from error
        if "Empty CSV file" in str(error):
            return
        raise UploadRefused(f"the file {name} is no CSV that can be read: {error}; correct it") from error


def _read_parquet(file: BinaryIO, name: str, schema: Schema) -> Iterator[pa.RecordBatch]:
    try:
        parquet = pq.ParquetFile(file)
        _check_names(parquet.schema_arrow.names, name, schema)
        yield from parquet.iter_batches(batch_size=_PARQUET_BATCH_ROWS, columns=list(schema))
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


_READERS: dict[str, Callable[[BinaryIO, str, Schema], Iterator[pa.RecordBatch]]] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
}
