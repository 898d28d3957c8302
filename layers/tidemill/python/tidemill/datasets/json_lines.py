"""Reading JSON Lines: by Arrow's parser block by block, and line by line where a block is wrong."""

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.json as pa_json

from tidemill.errors import UploadRefused, did_you_mean
from tidemill.expressions.columns import Schema, Type

_BLOCK_BYTES = 4 * 1024 * 1024
# How values lie in JSON: times are text, which ``conversion.py`` parses.
_JSON_TYPES: dict[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.INT: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.string(),
}


def read_json_lines(file: BinaryIO, name: str, schema: Schema) -> Iterator[pa.RecordBatch]:
    """Read one JSON object per line.

    A key that a line leaves out is null; a column that every line leaves out is missing.

    Parameters
    ----------
    file
        Positioned at its start.
    name
        The file's name, for messages.
    schema
        The keys there may be, and their types.

    Yields
    ------
    pa.RecordBatch
        The schema's columns, times still as text.

    Raises
    ------
    UploadRefused
        If a line is no JSON object, has an unknown key or a value of a wrong type.
    """
    json_schema = pa.schema([(column, _JSON_TYPES[type_]) for column, type_ in schema.items()])
    unseen = dict.fromkeys(schema)
    rows = 0
    while block := file.read(_BLOCK_BYTES):
        block += file.readline()
        for column in [each for each in unseen if json.dumps(each).encode() in block]:
            del unseen[column]
        batch = _parse(block, json_schema, name, schema, rows)
        rows += batch.num_rows
        yield batch
    if unseen and rows:
        raise UploadRefused(
            f"the file {name} has no column `{next(iter(unseen))}` in any row; add it, null where unknown"
        )


def _parse(block: bytes, json_schema: pa.Schema, name: str, schema: Schema, rows: int) -> pa.RecordBatch:
    if not block.strip():
        return pa.RecordBatch.from_pylist([], json_schema)
    try:
        block.decode()  # Arrow does not look
        table = pa_json.read_json(
            io.BytesIO(block),
            pa_json.ReadOptions(block_size=len(block) + 1),
            pa_json.ParseOptions(explicit_schema=json_schema, unexpected_field_behavior="error"),
        )
        return table.combine_chunks().to_batches()[0]
    except (pa.ArrowInvalid, UnicodeDecodeError):
        # Arrow does not say which row it was, and takes 3.0 for no integer.
        return _parse_lines(block, json_schema, name, schema, rows)


def _parse_lines(
    block: bytes, json_schema: pa.Schema, name: str, schema: Schema, rows: int
) -> pa.RecordBatch:
    parsed = []
    lines = (line for line in block.split(b"\n") if line.strip())
    for number, line in enumerate(lines, start=rows + 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UploadRefused(
                f"row {number} of the file {name} is no JSON ({error}); correct it"
            ) from error
        if not isinstance(row, dict):
            raise UploadRefused(
                f"row {number} of the file {name} is no JSON object; write one object per line"
            )
        for key in row:
            if key not in schema:
                raise UploadRefused(
                    f"row {number}: column `{key}` is not declared by its source{did_you_mean(key, schema)}"
                )
        parsed.append({key: _value(row.get(key), type_, key, number) for key, type_ in schema.items()})
    return pa.RecordBatch.from_pylist(parsed, json_schema)


def _value(value: Any, type_: Type, column: str, number: int) -> Any:
    if value is None:
        return None
    truth = isinstance(value, bool)
    fits = {
        Type.STRING: isinstance(value, str),
        Type.TIMESTAMP: isinstance(value, str),
        Type.BOOL: truth,
        Type.FLOAT: isinstance(value, int | float) and not truth,
        Type.INT: isinstance(value, int | float) and not truth and value % 1 == 0 and abs(value) < 2**63,
    }
    if not fits[type_]:
        raise UploadRefused(
            f"row {number}, column `{column}`: {repr(value)[:80]} is no {type_.value}; "
            "correct it and upload the file again"
        )
    return int(value) if type_ is Type.INT else value
