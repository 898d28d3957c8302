"""Between pandas, in which people work, and what the library computes with and the API is asked with."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tidemill.datasets.arrow import from_columns, to_columns
from tidemill.datasets.conversion import shown
from tidemill.datasets.faults import EXPECTED
from tidemill.datasets.readable import convert_readable
from tidemill.errors import InvalidRequest, did_you_mean
from tidemill.expressions import Columns, Type, format_timestamp

_NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


def columns_of(frame: pd.DataFrame, schema: Mapping[str, Type]) -> Columns:
    """Read columns of a frame as the types they are declared with.

    Parameters
    ----------
    frame
        Shape (n_rows, n_columns), its values of the types or as text, as an uploaded file's may be:
        times without a zone are UTC, finer than a microsecond is cut off, the empty text is null.
    schema
        The columns wanted.

    Returns
    -------
    Columns
        Those columns; NaN, NaT and None are null.

    Raises
    ------
    InvalidRequest
        If a column is missing, or its values are not of its type.

    Examples
    --------
    >>> frame = pd.DataFrame({"origin": ["JFK", None], "other": [1, 2]})
    >>> columns_of(frame, {"origin": Type.STRING})["origin"].to_list()
    ['JFK', None]
    """
    return to_columns(pa.table({name: _array(frame, name, type_) for name, type_ in schema.items()}), schema)


def frame_of(columns: Columns, index: pd.Index) -> pd.DataFrame:
    """Return columns as a frame with an index; whole numbers with nulls among them are nullable ``Int64``.

    Examples
    --------
    >>> from tidemill.expressions import column
    >>> frame_of({"n": column(Type.INT, [1, None])}, pd.Index([7, 8]))["n"].to_list()
    [1, <NA>]
    """
    table = from_columns(columns)
    arrays = {name: table.column(name) for name in table.column_names}
    return pd.DataFrame({name: _series(array) for name, array in arrays.items()}).set_index(index)


def request_rows(frame: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    """Write rows as a prediction request has them: times as RFC 3339 in UTC, what is missing as null.

    Parameters
    ----------
    frame
        The rows.
    names
        The columns to send; the others stay here.

    Returns
    -------
    list of dict
        Plain data, every number to its last bit.

    Raises
    ------
    InvalidRequest
        If a column is missing.

    Examples
    --------
    >>> request_rows(pd.DataFrame({"at": [pd.Timestamp("2013-03-01")], "x": [float("nan")]}), ["at", "x"])
    [{'at': '2013-03-01T00:00:00Z', 'x': None}]
    """
    values = {name: [_plain(value) for value in _column(frame, name).tolist()] for name in names}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Raise InvalidRequest unless a frame has each of some columns once."""
    for name in names:
        _column(frame, name)


def _series(array: pa.ChunkedArray) -> "pd.Series[Any]":
    """Return an array as pandas has it; where nulls would turn whole numbers into floats, as nullable."""
    series: pd.Series[Any] = array.to_pandas(types_mapper=_NULLABLE.get if array.null_count else None)
    return series


def _column(frame: pd.DataFrame, name: str) -> "pd.Series[Any]":
    if not isinstance(frame, pd.DataFrame):
        raise InvalidRequest(f"the rows are a {type(frame).__name__}; give a pandas.DataFrame of them")
    if name not in frame.columns:
        raise InvalidRequest(f"the frame has no column `{name}`{did_you_mean(name, map(str, frame.columns))}")
    if (times := list(frame.columns).count(name)) > 1:
        raise InvalidRequest(f"the frame has {times} columns `{name}`; keep one")
    return frame[name]


def _array(frame: pd.DataFrame, name: str, type_: Type) -> pa.Array:
    """Read a column as a file's would be: text is parsed, and what does not fit is refused by its row."""
    values = _column(frame, name)
    try:
        array = pa.Array.from_pandas(values)
    except pa.ArrowException as error:
        raise InvalidRequest(
            f"column `{name}` of the frame holds values of several types: {error}"
        ) from error
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    converted, wrong = convert_readable(array, type_)
    if wrong is not None:
        first = int(np.argmax(wrong))
        more = f" ({int(wrong.sum()):,} such rows)" if wrong.sum() > 1 else ""
        value, label = shown(array[first]), frame.index[first]
        raise InvalidRequest(f"column `{name}`, row {label}: {value!r} is not {EXPECTED[type_]}{more}")
    return converted


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, pd.Timestamp):
        utc = value.tz_convert("UTC").tz_localize(None) if value.tz is not None else value
        return format_timestamp(utc.to_datetime64())
    return value
