"""Reading an uploaded file as typed record batches, a few megabytes at a time.

What keeps single rows from being read is collected, and the others are read nevertheless; what keeps
all that follows from being read is an ``UploadRefused`` that says what to do. Rows are counted from
1, the header apart.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from tidemill.datasets.ahead import one_ahead
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.compression import decompressed, plain_name, told_in_the_end
from tidemill.datasets.conversion import shown
from tidemill.datasets.faults import Faults
from tidemill.datasets.findings import SHOWN_EXAMPLES, RowOfFile
from tidemill.datasets.json_lines import read_json_lines
from tidemill.datasets.readable import Numbers, RawRows, convert_readable
from tidemill.errors import UploadRefused
from tidemill.expressions.columns import Schema
from tidemill.project.files import PLAIN_CSV, Csv

_CSV_BLOCK_BYTES = 2 * 1024 * 1024  # Arrow holds some fifty times as much
_PARQUET_BATCH_ROWS = 65_536
_PARQUET_BUFFER_BYTES = 1024 * 1024  # of each column; without it a row group's columns are read whole
_Opened = Callable[[], AbstractContextManager[BinaryIO]]
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
OTHER_DELIMITERS = (";", "\t", "|")
_SHOWN_CHARACTERS = 80
# Arrow's words; its handler of invalid rows can not be used, as it fails on rows that are not UTF-8.
_UNEVEN_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


class Rows(NamedTuple):
    """Rows of a file: those that can be read, and their numbers in the file, shape (n_rows,), from 1."""

    batch: pa.RecordBatch
    numbers: Numbers


def read_batches(
    file: BinaryIO, *, name: str, schema: Schema, csv: Csv = PLAIN_CSV
) -> Iterator[pa.RecordBatch]:
    """Read a file all of which can be read.

    Parameters
    ----------
    file, name, schema, csv
        As ``read_rows`` takes them.

    Yields
    ------
    pa.RecordBatch
        Rows in file order, columns in the schema's order; at least one row in all.

    Raises
    ------
    UploadRefused
        If the file is empty, broken or not of the schema.
    """
    faults = Faults(name, schema)
    for rows in read_rows(file, name=name, schema=schema, faults=faults, csv=csv):
        faults.hold()
        yield rows.batch
    faults.hold()


def read_rows(
    file: BinaryIO, *, name: str, schema: Schema, faults: Faults, csv: Csv = PLAIN_CSV
) -> Iterator[Rows]:
    """Read what can be read of a file as record batches of the schema's columns and types.

    Parameters
    ----------
    file
        Positioned at its start, able to seek.
    name
        The file's name, whose ending tells the format: ``.csv``, ``.parquet``, ``.jsonl`` or
        ``.ndjson``; the text formats also with ``.gz`` or ``.zst`` behind.
    schema
        The columns the file must have, and their types.
    faults
        Told of what can not be read: columns that are missing or not declared, values, lines.
    csv
        How CSV is written, if not as most is.

    Yields
    ------
    Rows
        In file order, without those that have a fault: where a column is missing all of them.

    Raises
    ------
    UploadRefused
        If the file is empty, or broken so that nothing more can be read.
    """
    read = _reader(name)
    if not file.read(1):
        raise UploadRefused(f"the file {name} is empty; upload it again whole")
    with _decodable(name, csv):
        for raw in read(partial(_opened, file, name), name, schema, faults, csv):
            if raw.batch.num_rows:
                yield _typed(raw, schema, faults)
    if not faults.rows and not faults:
        raise UploadRefused(f"the file {name} has no rows, a header at most; upload one with rows")


@contextmanager
def _opened(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    file.seek(0)
    with decompressed(file, name) as plain:
        yield plain


@contextmanager
def _decodable(name: str, csv: Csv) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        encoding = csv.encoding.upper()
        raise UploadRefused(
            f"the file {name} is not {encoding} ({error}); save it as {encoding} and upload it again"
        ) from error


def _reader(name: str) -> "_Reader":
    plain = plain_name(name)
    for ending, reader in _READERS.items():
        if plain.endswith(ending) and (plain == name.lower() or ending != ".parquet"):
            return reader
    raise UploadRefused(
        f"the file {name} is of no known format; name it .csv, .jsonl or .parquet, "
        "the first two also with .gz or .zst behind"
    )


def _read_csv(opened: _Opened, name: str, schema: Schema, faults: Faults, csv: Csv) -> Iterator[RawRows]:
    with _csv_errors(name, csv):
        with opened() as file:
            if csv.encoding == Csv.encoding and file.read(2) in _UTF_16_MARKS:
                raise UploadRefused(f"the file {name} is UTF-16; save it as UTF-8 and upload it again")
        with opened() as file, told_in_the_end(file) as rest:
            reader = _open_csv(rest, schema, csv)
            names = reader.schema.names
            _check_delimiter(names, name, schema, csv)
            if faults.columns(names):
                yield from _numbered(reader, faults)
                return
        # Anew, without the columns nobody declared: their types are guessed.
        with opened() as file, told_in_the_end(file) as rest:
            if columns := _there(schema, names):
                yield from _numbered(_open_csv(rest, schema, csv, columns), faults)


@contextmanager
def _csv_errors(name: str, csv: Csv) -> Iterator[None]:
    try:
        yield
    except pa.ArrowInvalid as error:
        if (uneven := _UNEVEN_ROW.search(str(error))) is not None:
            row, columns, values = map(int, uneven.groups())
            raise UploadRefused(
                f"the file {name} has {values} values in row {row - (csv.header is None)} and "
                f"{columns} columns; correct the row and upload the file again"
            ) from error
        if "Empty CSV file" not in str(error):  # which has no rows, as other files may
            raise UploadRefused(f"the file {name} is no CSV that can be read: {error}; correct it") from error


def _check_delimiter(names: list[str], name: str, schema: Schema, csv: Csv) -> None:
    other = next((each for each in OTHER_DELIMITERS if each in names[0]), None)
    if len(names) == 1 < len(schema) and names[0] not in schema and other:
        raise UploadRefused(
            f"the file {name} has one column `{names[0][:_SHOWN_CHARACTERS]}`; if {other!r} stands between "
            f"its values, declare `csv=Csv(delimiter={other!r})` in its source, or separate them by "
            f"{csv.delimiter!r} as it is declared"
        )


def _there(schema: Schema, names: list[str]) -> list[str]:
    return [each for each in schema if each in names]


def _open_csv(
    file: BinaryIO, schema: Schema, csv: Csv, columns: Iterable[str] = ()
) -> pa_csv.CSVStreamingReader:
    """Open CSV; without columns all of them."""
    return pa_csv.open_csv(
        file,
        pa_csv.ReadOptions(
            use_threads=False,
            block_size=_CSV_BLOCK_BYTES,
            column_names=csv.header,
            encoding=csv.encoding,
        ),
        pa_csv.ParseOptions(delimiter=csv.delimiter, quote_char=csv.quote or False, newlines_in_values=True),
        # As bytes: types are parsed afterwards, where the row of a wrong value is known.
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(schema, pa.binary()), include_columns=[*columns] or None
        ),
    )


def _read_parquet(opened: _Opened, name: str, schema: Schema, faults: Faults, _: Csv) -> Iterator[RawRows]:
    try:
        with opened() as file:
            parquet = pq.ParquetFile(file, buffer_size=_PARQUET_BUFFER_BYTES, pre_buffer=False)
            names = parquet.schema_arrow.names
            faults.columns(names)
            batches = parquet.iter_batches(
                batch_size=_PARQUET_BATCH_ROWS,
                columns=_there(schema, names),
                use_threads=False,
            )
            yield from _numbered(batches, faults)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise UploadRefused(f"the file {name} is no whole Parquet file ({error}); upload it again") from error


def _numbered(batches: Iterable[pa.RecordBatch], faults: Faults) -> Iterator[RawRows]:
    for batch in one_ahead(iter(batches)):
        first = faults.rows + 1
        faults.rows += batch.num_rows
        numbers = np.arange(first, first + batch.num_rows)
        yield RawRows(batch, numbers, np.zeros(batch.num_rows, dtype=np.bool_))


def _typed(raw: RawRows, schema: Schema, faults: Faults) -> Rows:
    """Convert rows, and leave out those that have a value of another type, or no value for a column."""
    names, rows = raw.batch.schema.names, raw.batch.num_rows
    arrays = []
    unread = raw.unread | any(name not in names for name in schema)
    for name, type_ in schema.items():
        column = raw.batch.column(names.index(name)) if name in names else pa.nulls(rows)
        array, wrong = convert_readable(column, type_, suspected=bool(faults.by_column[name]))
        arrays.append(array)
        if wrong is not None:
            faults.values(name, int(wrong.sum()), _examples(raw, np.flatnonzero(wrong), schema))
            unread = unread | wrong
    batch = pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(schema))
    if not unread.any():
        return Rows(batch, raw.numbers)
    faults.unread += int(unread.sum())
    return Rows(batch.filter(pa.array(~unread)), raw.numbers[~unread])


def _examples(raw: RawRows, positions: npt.NDArray[np.intp], schema: Schema) -> list[RowOfFile]:
    """Return the first of some rows as they stand in the file."""
    names = raw.batch.schema.names
    columns = {name: raw.batch.column(names.index(name)) for name in _there(schema, names)}
    return [
        RowOfFile(
            int(raw.numbers[position]), {name: shown(array[position]) for name, array in columns.items()}
        )
        for position in positions[:SHOWN_EXAMPLES].tolist()
    ]


def _read_json_lines(opened: _Opened, _: str, schema: Schema, faults: Faults, __: Csv) -> Iterator[RawRows]:
    with opened() as file:
        yield from read_json_lines(file, schema, faults)


_Reader = Callable[[_Opened, str, Schema, Faults, Csv], Iterator[RawRows]]
_READERS: dict[str, _Reader] = {
    ".csv": _read_csv,
    ".parquet": _read_parquet,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
