"""The body of a prediction request, read strictly: what is not exactly right is never predicted on.

Every error is an InvalidRequest whose ``field`` is the path of what is wrong, such as
``rows[3].wind_speed``.
"""

import json
import math
from collections.abc import Collection
from typing import Any, NoReturn

from tidemill.errors import ExpressionError, InvalidRequest, did_you_mean
from tidemill.expressions.columns import Column, Schema, Type, column, parse_timestamp

MAX_ROWS = 1000
_LARGEST = 2**63
MAX_STRING_CHARACTERS = 1024  # a key or a category; it bounds what one row can weigh in the log


def parse_rows(body: bytes, schema: Schema, *, required: Collection[str]) -> dict[str, Column]:
    """Read the rows of ``{"rows": [{column: value, …}, …]}`` as columns.

    Parameters
    ----------
    body
        The request's body.
    schema
        Type of every request column by name.
    required
        Columns that may not be null, the key and the time. Any other may be null, but a field that
        is not there at all is an error: it is more often a mistake than a missing value.

    Returns
    -------
    dict
        One column by name, each with as many rows as the request.

    Raises
    ------
    InvalidRequest
        If anything is wrong, naming it.

    Examples
    --------
    >>> body = b'{"rows": [{"carrier": "UA", "wind_speed": null}]}'
    >>> columns = parse_rows(body, {"carrier": Type.STRING, "wind_speed": Type.FLOAT}, required=["carrier"])
    >>> columns["carrier"].to_list(), columns["wind_speed"].to_list()
    (['UA'], [None])
    """
    rows = rows_of(parse_json(body))
    for position, row in enumerate(rows):
        _check_names(position, row, schema)
    return {
        name: column(
            type_,
            [
                read_value(row[name], type_, f"rows[{i}].{name}", required=name in required)
                for i, row in enumerate(rows)
            ],
        )
        for name, type_ in schema.items()
    }


def parse_json(body: bytes) -> Any:
    """Read a body as JSON.

    Raises
    ------
    InvalidRequest
        If it is none, with what is wrong with it.
    """
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8 (byte {error.start}); send JSON") from error
    except RecursionError as error:
        raise InvalidRequest("the body is nested too deeply; a row is a flat JSON object") from error
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error


def _refuse_constant(text: str) -> NoReturn:
    raise InvalidRequest(f"the body holds {text}, which is not JSON; send null for a missing number")


def rows_of(document: Any, *, others: Collection[str] = ()) -> list[Any]:
    """Return the list under ``rows`` of a request's document.

    Parameters
    ----------
    document
        What the body holds.
    others
        The fields there may be beside it.

    Raises
    ------
    InvalidRequest
        If the document is no object, has another field, or no list of 1 to ``MAX_ROWS``.
    """
    if not isinstance(document, dict):
        raise InvalidRequest(f'the body is {_kind(document)}; send {{"rows": [{{…}}, …]}}')
    for name in map(_shown, document):
        if name not in {"rows", *others}:
            raise InvalidRequest(f"unknown field `{name}`{did_you_mean(name, ['rows', *others])}", field=name)
    rows = document.get("rows")
    if not isinstance(rows, list):
        found = _kind(rows) if "rows" in document else "not there"
        raise InvalidRequest(f"`rows` is {found}; send a list of JSON objects", field="rows")
    if not 1 <= len(rows) <= MAX_ROWS:
        raise InvalidRequest(
            f"`rows` has {len(rows):,} rows; a request takes 1 to {MAX_ROWS:,}, split larger ones",
            field="rows",
        )
    return rows


def _check_names(position: int, row: Any, schema: Schema) -> None:
    if not isinstance(row, dict):
        raise InvalidRequest(
            f"`rows[{position}]` is {_kind(row)}; a row is a JSON object", field=f"rows[{position}]"
        )
    for name in row:
        if name not in schema:
            shown = _shown(name)
            raise InvalidRequest(
                f"`rows[{position}]` has an unknown column `{shown}`{did_you_mean(shown, schema)}",
                field=f"rows[{position}].{shown}",
            )
    for name, type_ in schema.items():
        if name not in row:
            raise InvalidRequest(
                f"`rows[{position}]` has no `{name}`; send {_WANTED[type_]}, or null if it is not known",
                field=f"rows[{position}].{name}",
            )


def read_value(value: Any, type_: Type, field: str, *, required: bool) -> Any:
    """Read one value of a row.

    Parameters
    ----------
    value
        As JSON gave it.
    type_
        Its column's.
    field
        Its path in the request, for messages.
    required
        Whether it may not be null.

    Raises
    ------
    InvalidRequest
        If it is not of the type, naming the field.
    """
    if value is None:
        if required:
            raise InvalidRequest(f"`{field}` is null; send {_WANTED[type_]}", field=field)
        return None
    if type_ is Type.STRING:
        return _read_string(value, field)
    if type_ is Type.TIMESTAMP:
        return _read_timestamp(value, field)
    if type_ is Type.BOOL:
        return value if isinstance(value, bool) else _refuse(value, type_, field)
    return _read_number(value, type_, field)


def _read_string(value: Any, field: str) -> str:
    if not isinstance(value, str):
        _refuse(value, Type.STRING, field)
    text = str(value)
    if len(text) > MAX_STRING_CHARACTERS:
        raise InvalidRequest(
            f"`{field}` has {len(text):,} characters; a string may have {MAX_STRING_CHARACTERS:,}",
            field=field,
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidRequest(f"`{field}` holds half a surrogate pair, which is no character", field=field)
    return text


def _read_timestamp(value: Any, field: str) -> Any:
    if not isinstance(value, str):
        _refuse(value, Type.TIMESTAMP, field)
    try:
        return parse_timestamp(value)
    except (ExpressionError, OverflowError):
        _refuse(value, Type.TIMESTAMP, field)


def _read_number(value: Any, type_: Type, field: str) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _refuse(value, type_, field)
    if not -_LARGEST <= value < _LARGEST if isinstance(value, int) else not math.isfinite(value):
        raise InvalidRequest(f"`{field}` does not fit 64 bits", field=field)
    if type_ is Type.FLOAT:
        return float(value)
    if value != int(value) or not -_LARGEST <= value < _LARGEST:
        _refuse(value, type_, field)
    return int(value)


def _refuse(value: Any, type_: Type, field: str) -> NoReturn:
    raise InvalidRequest(f"`{field}` is {_kind(value)}; send {_WANTED[type_]}", field=field)


_WANTED = {
    Type.STRING: "a string",
    Type.INT: "a whole number",
    Type.FLOAT: "a number",
    Type.BOOL: "true or false",
    Type.TIMESTAMP: "a time such as 2013-01-01T05:15:00Z",
}


def _kind(value: Any) -> str:
    """Say what a JSON value is, and short ones in full."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, str):
        return f"the string {json.dumps(_shown(value))}"
    if isinstance(value, int | float):
        return f"the number {str(value)[:40]}"
    return "a list" if isinstance(value, list) else "an object"


def _shown(text: str) -> str:
    """Return the start of a caller's text, fit to be repeated in an answer."""
    return text[:60].encode("utf-8", "replace").decode()
