"""Reading a file of which nothing is known but its name."""

import csv as csv_module
import io
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from tidemill.datasets.compression import decompressed, plain_name
from tidemill.datasets.formats import OTHER_DELIMITERS, read_batches
from tidemill.errors import UploadRefused
from tidemill.expressions import Type
from tidemill.project.files import PLAIN_CSV, Csv

_BLOCK_BYTES = 4 * 1024 * 1024


def read_raw(file: BinaryIO, *, name: str, csv: Csv = PLAIN_CSV) -> Iterator[pa.RecordBatch]:
    """Read a file as record batches of the types it has: text in CSV.

    Parameters
    ----------
    file
        Positioned at its start, able to seek.
    name
        Its name, whose ending tells the format.
    csv
        How CSV is written, if not as most is.

    Yields
    ------
    pa.RecordBatch
        Rows in file order; a batch of JSON Lines has the columns that occur in it.

    Raises
    ------
    UploadRefused
        If the file is empty, broken or of no known format.
    """
    plain = plain_name(name)
    try:
        if plain.endswith(".parquet"):
            yield from pq.ParquetFile(file).iter_batches()
        elif plain.endswith((".jsonl", ".ndjson")):
            yield from _json_blocks(file, name)
        else:
            schema = dict.fromkeys(_csv_columns(file, name, csv), Type.STRING)
            yield from read_batches(file, name=name, schema=schema, csv=csv)
    except pa.ArrowInvalid as error:
        raise UploadRefused(f"the file {name} can not be read: {error}; correct it") from error


def likely_csv(file: BinaryIO, *, name: str, encoding: str = PLAIN_CSV.encoding) -> Csv:
    """Guess what stands between the values of a CSV file: what divides its first line into the most.

    Parameters
    ----------
    file
        Positioned at its start, where it is left; able to seek.
    name
        Its name; what is no CSV is taken for plain.
    encoding
        How its characters are written.

    Returns
    -------
    Csv
        With commas, unless another divides better.

    Examples
    --------
    >>> likely_csv(io.BytesIO(b'id;"note, long";at'), name="f.csv").delimiter
    ';'
    """
    if not plain_name(name).endswith(".csv"):
        return PLAIN_CSV
    with decompressed(file, name) as plain:
        head = plain.read(_BLOCK_BYTES).decode(encoding, errors="replace")
    file.seek(0)

    def columns(delimiter: str) -> int:
        return len(next(csv_module.reader(io.StringIO(head), delimiter=delimiter), []))

    # Of delimiters that divide alike the first is taken.
    return Csv(delimiter=max((PLAIN_CSV.delimiter, *OTHER_DELIMITERS), key=columns), encoding=encoding)


def _csv_columns(file: BinaryIO, name: str, csv: Csv) -> list[str]:
    """Read the header; a format that is not known is refused by whoever reads the rows."""
    if not plain_name(name).endswith(".csv"):
        return []
    with decompressed(file, name) as plain:
        head = plain.read(_BLOCK_BYTES)
    file.seek(0)
    read = pa_csv.ReadOptions(use_threads=False, column_names=csv.header, encoding=csv.encoding)
    parse = pa_csv.ParseOptions(
        delimiter=csv.delimiter, quote_char=csv.quote or False, invalid_row_handler=lambda _: "skip"
    )
    names: list[str] = pa_csv.open_csv(io.BytesIO(head), read, parse).schema.names if head else []
    return names


def _json_blocks(file: BinaryIO, name: str) -> Iterator[pa.RecordBatch]:
    with decompressed(file, name) as plain:
        while block := plain.read(_BLOCK_BYTES):
            block += plain.readline()
            if block.strip():
                table = pa_json.read_json(io.BytesIO(block), pa_json.ReadOptions(block_size=len(block) + 1))
                yield from table.combine_chunks().to_batches()
