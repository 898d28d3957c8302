"""Reading JSON Lines: by Arrow's parser block by block, and line by line where a block is wrong."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from tidemill.datasets.faults import Faults
from tidemill.datasets.findings import RowOfFile
from tidemill.datasets.readable import RawRows
from tidemill.errors import UploadRefused
from tidemill.expressions.columns import Schema, Type

_BLOCK_BYTES = 4 * 1024 * 1024
_LONGEST_LINE_BYTES = 8 * 1024 * 1024
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON can write what no text can be
_BEGINS_WITH_OBJECT = re.compile(rb"\s*\{")
# How values lie in JSON: times are text, which ``conversion.py`` parses.
_JSON_TYPES: dict[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.INT: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.string(),
}


def read_json_lines(file: BinaryIO, schema: Schema, faults: Faults) -> Iterator[RawRows]:
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
    RawRows
        The schema's columns, times still as text and null what does not fit; lines that are no objects
        are left out.
    """
    json_schema = pa.schema([(column, _JSON_TYPES[type_]) for column, type_ in schema.items()])
    unseen = dict.fromkeys(schema)
    while block := file.read(_BLOCK_BYTES):
        block += _rest_of_line(file, faults)
        for column in [each for each in unseen if json.dumps(each).encode() in block]:
            del unseen[column]
        yield _parse(block, json_schema, schema, faults)
    for column in unseen if faults.rows else ():
        faults.missing(column, " in any row; add it, null where unknown")


def _rest_of_line(file: BinaryIO, faults: Faults) -> bytes:
    rest = file.readline(_LONGEST_LINE_BYTES)
    if len(rest) == _LONGEST_LINE_BYTES:
        raise UploadRefused(
            f"a line after row {faults.rows} has more than {_LONGEST_LINE_BYTES // 1024**2} MiB; "
            "write one JSON object per line and upload the file again"
        )
    return rest


def _parse(block: bytes, json_schema: pa.Schema, schema: Schema, faults: Faults) -> RawRows:
    if not _BEGINS_WITH_OBJECT.match(block):  # Arrow dies of a `null` that nothing comes before
        return _parse_lines(block, json_schema, schema, faults)
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
    numbers = np.arange(first, first + batch.num_rows)
    return RawRows(batch, numbers, np.zeros(batch.num_rows, dtype=np.bool_))


def _parse_lines(block: bytes, json_schema: pa.Schema, schema: Schema, faults: Faults) -> RawRows:
    parsed, numbers, unread = [], [], []
    for line in block.split(b"\n"):
        if line.strip():
            faults.rows += 1
            row = _object(line, faults)
            if row is None:
                faults.unread += 1
                continue
            unread.append(_has_faults(row, schema, faults))
            numbers.append(faults.rows)
            parsed.append({key: _plain(row.get(key), type_) for key, type_ in schema.items()})
    return RawRows(
        pa.RecordBatch.from_pylist(parsed, json_schema),
        np.array(numbers, dtype=np.int64),
        np.array(unread, dtype=np.bool_),
    )


def _object(line: bytes, faults: Faults) -> dict[str, Any] | None:
    """Return the object a line is, or None if it is none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        faults.line(RowOfFile(faults.rows, {"line": line}), f"({error})")
        return None
    if isinstance(row, dict):
        return row
    faults.line(RowOfFile(faults.rows, {"line": line}), "object")
    return None


def _has_faults(row: dict[str, Any], schema: Schema, faults: Faults) -> bool:
    unknown = [key for key in row if key not in schema]
    wrong = [key for key, type_ in schema.items() if not _fits(row.get(key), type_)]
    for key in unknown:
        faults.key(key, RowOfFile(faults.rows, {key: row[key]}))
    for key in wrong:
        faults.values(key, 1, [RowOfFile(faults.rows, {name: row.get(name) for name in schema})])
    return bool(unknown or wrong)


def _plain(value: Any, type_: Type) -> Any:
    """Return a value as Arrow takes it, which rounds no integer to a float; null if it does not fit."""
    if value is None or not _fits(value, type_):
        return None
    if type_ not in (Type.INT, Type.FLOAT):
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
