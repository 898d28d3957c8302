"""Reading JSON Lines: by Arrow's parser block by block, and line by line where a block is wrong."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.json as pa_json

from tidemill.datasets.faults import Faults
from tidemill.datasets.findings import RowOfFile
from tidemill.expressions.columns import Schema, Type

_BLOCK_BYTES = 4 * 1024 * 1024
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can write what no text can be
# How values lie in JSON: times are text, which ``conversion.py`` parses.
_JSON_TYPES: dict[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.INT: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.string(),
}


def read_json_lines(
    file: BinaryIO, schema: Schema, faults: Faults
) -> Iterator[tuple[pa.RecordBatch, npt.NDArray[np.int64]]]:
    """Read one JSON object per line.

    A key that a line leaves out is null; a column that every line leaves out is missing.

    Parameters
    ----------
    file
        Positioned at its start.
    schema
        The keys there may be, and their types.
    faults
        Told of lines that are no JSON object, have an unknown key or a value of a wrong type.

    Yields
    ------
    tuple
        The schema's columns, times still as text, of the lines without a fault; and their numbers,
        shape (n_rows,), from 1.
    """
    json_schema = pa.schema([(column, _JSON_TYPES[type_]) for column, type_ in schema.items()])
    unseen = dict.fromkeys(schema)
    while block := file.read(_BLOCK_BYTES):
        block += file.readline()
        for column in [each for each in unseen if json.dumps(each).encode() in block]:
            del unseen[column]
        yield _parse(block, json_schema, schema, faults)
    for column in unseen if faults.rows else ():
        faults.missing(column, " in any row; add it, null where unknown")


def _parse(
    block: bytes, json_schema: pa.Schema, schema: Schema, faults: Faults
) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
    if not block.strip():
        return pa.RecordBatch.from_pylist([], json_schema), np.empty(0, dtype=np.int64)
    try:
        block.decode()  # Arrow does not look
        table = pa_json.read_json(
            io.BytesIO(block),
            pa_json.ReadOptions(block_size=len(block) + 1),
            pa_json.ParseOptions(explicit_schema=json_schema, unexpected_field_behavior="error"),
        )
        batch = table.combine_chunks().to_batches()[0]
    except (pa.ArrowInvalid, UnicodeDecodeError):
        # Arrow does not say which row it was, and takes 3.0 for no integer.
        return _parse_lines(block, json_schema, schema, faults)
    first = faults.rows + 1
    faults.rows += batch.num_rows
    return batch, np.arange(first, first + batch.num_rows)


def _parse_lines(
    block: bytes, json_schema: pa.Schema, schema: Schema, faults: Faults
) -> tuple[pa.RecordBatch, npt.NDArray[np.int64]]:
    parsed, numbers = [], []
    for line in block.split(b"\n"):
        if line.strip():
            faults.rows += 1
            row = _row(line, schema, faults)
            if row is None:
                faults.unread += 1
            else:
                parsed.append(row)
                numbers.append(faults.rows)
    return pa.RecordBatch.from_pylist(parsed, json_schema), np.array(numbers, dtype=np.int64)


def _row(line: bytes, schema: Schema, faults: Faults) -> dict[str, Any] | None:
    """Return a line's values, or None if it has a fault."""
    as_read = RowOfFile(faults.rows, {"line": line})
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        faults.line(as_read, f"({error})")
        return None
    if not isinstance(row, dict):
        faults.line(as_read, "object")
        return None
    example = RowOfFile(faults.rows, {key: row.get(key) for key in schema})
    unknown = [key for key in row if key not in schema]
    wrong = [key for key, type_ in schema.items() if not _fits(row.get(key), type_)]
    for key in unknown:
        faults.key(key, RowOfFile(faults.rows, {key: row[key]}))
    for key in wrong:
        faults.values(key, 1, [example])
    if unknown or wrong:
        return None
    return {key: _plain(row.get(key), type_) for key, type_ in schema.items()}


def _plain(value: Any, type_: Type) -> Any:
    """Return a value as Arrow takes it: it would round no integer to a float."""
    if value is None or type_ not in (Type.INT, Type.FLOAT):
        return value
    return int(value) if type_ is Type.INT else float(value)


def _fits(value: Any, type_: Type) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return type_ is Type.BOOL
    if isinstance(value, str):
        return type_ in (Type.STRING, Type.TIMESTAMP) and not _LONE_SURROGATE.search(value)
    if isinstance(value, int | float):
        whole = value % 1 == 0 and -(2**63) <= value < 2**63
        a_float = isinstance(value, float) or abs(value) < 2**1023
        return (type_ is Type.INT and whole) or (type_ is Type.FLOAT and a_float)
    return False
