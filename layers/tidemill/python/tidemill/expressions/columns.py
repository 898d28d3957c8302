"""Typed columns: the one shape in which rows pass between the parts of the library.

A column is an array of values beside an array that says which of them are there. A null has
``valid == False``, and what lies in ``values`` there is unspecified. NaN never lies in a valid slot:
it is read as null. Infinities may.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tidemill.errors import ExpressionError

Array = npt.NDArray[Any]


class Type(Enum):
    """The five types a column may have."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TIMESTAMP = "timestamp"

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy type of a column's values."""
        return _DTYPES[self]


_DTYPES: dict[Type, np.dtype[Any]] = {
    Type.STRING: np.dtype(object),
    Type.INT: np.dtype(np.int64),
    Type.FLOAT: np.dtype(np.float64),
    Type.BOOL: np.dtype(np.bool_),
    Type.TIMESTAMP: np.dtype("datetime64[us]"),
}
_FILLERS: dict[Type, Any] = {
    Type.STRING: "",
    Type.INT: 0,
    Type.FLOAT: 0.0,
    Type.BOOL: False,
    Type.TIMESTAMP: np.datetime64(0, "us"),
}

String = Type.STRING
Int = Type.INT
Float = Type.FLOAT
Bool = Type.BOOL
Timestamp = Type.TIMESTAMP


@dataclass(frozen=True, eq=False)
class Column:
    """Values of one type, some of which may be null.

    Attributes
    ----------
    type
        What the values are.
    values
        Shape (n_rows,), of ``type.dtype``; timestamps are UTC.
    valid
        Shape (n_rows,), bool; False is null.
    """

    type: Type
    values: Array
    valid: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: npt.NDArray[np.intp]) -> "Column":
        """Return the rows at these positions, in their order."""
        return Column(self.type, self.values[rows], self.valid[rows])

    def filled(self) -> Array:
        """Return the values with every null replaced by a plain filler of the type: 0, "" or False."""
        if self.valid.all():
            return self.values
        filled = self.values.copy()
        filled[~self.valid] = _FILLERS[self.type]
        return filled

    def to_list(self) -> list[Any]:
        """Return the values as Python objects, None for null; timestamps are aware datetimes in UTC."""
        if self.type is Type.TIMESTAMP:
            items = [value.replace(tzinfo=UTC) for value in self.filled().tolist()]
        else:
            items = self.values.tolist()
        return [item if there else None for item, there in zip(items, self.valid.tolist(), strict=True)]


class DictionaryColumn(Column):
    """Strings by a dictionary; the values are made of it when somebody asks for them first.

    Keys and categories need only the codes: millions of rows with few different words stay small.

    Parameters
    ----------
    words
        Shape (n_words,), strings; one may stand there twice.
    codes
        Shape (n_rows,), integers: ``words[codes]`` are the values, whatever words nulls have.
    valid
        Shape (n_rows,), bool; False is null.

    Examples
    --------
    >>> airports = DictionaryColumn(np.array(["JFK", "EWR"], object), np.array([1, 1]), np.ones(2, bool))
    >>> airports.to_list()
    ['EWR', 'EWR']
    """

    words: Array
    codes: npt.NDArray[np.integer[Any]]

    def __init__(
        self, words: Array, codes: npt.NDArray[np.integer[Any]], valid: npt.NDArray[np.bool_]
    ) -> None:
        vars(self).update(type=Type.STRING, words=words, codes=codes, valid=valid)  # for it is frozen

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def values(self) -> Array:
        """The strings, shape (n_rows,)."""
        values: Array = self.words[self.codes]
        return values

    def take(self, rows: npt.NDArray[np.intp]) -> "DictionaryColumn":
        """Return the rows at these positions, in their order."""
        return DictionaryColumn(self.words, self.codes[rows], self.valid[rows])


Columns = Mapping[str, Column]
Schema = Mapping[str, Type]


def column(type_: Type, values: Iterable[Any]) -> Column:
    """Make a column of Python values.

    Parameters
    ----------
    type_
        The column's type.
    values
        Python values; None and NaN are null. An integer may stand for a float. Timestamps are
        datetimes (one without a time zone is UTC), ``datetime64`` or RFC 3339 strings.

    Returns
    -------
    Column
        As many rows as values.

    Raises
    ------
    ExpressionError
        If a value is not of the type.

    Examples
    --------
    >>> column(Float, [1, None, 2.5]).to_list()
    [1.0, None, 2.5]
    >>> column(Timestamp, ["2013-01-01T05:15:00Z"]).values
    array(['2013-01-01T05:15:00.000000'], dtype='datetime64[us]')
    """
    items = list(values)
    result = np.full(len(items), _FILLERS[type_], dtype=type_.dtype)
    valid = np.ones(len(items), dtype=np.bool_)
    convert = _CONVERTERS[type_]
    for position, item in enumerate(items):
        converted = None if item is None else convert(item)
        if converted is None:
            valid[position] = False
        else:
            result[position] = converted
    return Column(type_, result, valid)


def from_array(type_: Type, values: Array) -> Column:
    """Make a column of a numpy array without nulls, but for NaN and NaT, which are null.

    Examples
    --------
    >>> from_array(Float, np.array([1.0, np.nan])).to_list()
    [1.0, None]
    """
    converted = np.asarray(values).astype(type_.dtype, copy=False)
    if type_ is Type.FLOAT or type_ is Type.TIMESTAMP:
        return Column(type_, converted, ~np.isnan(converted))
    return Column(type_, converted, np.ones(len(converted), dtype=np.bool_))


def null_column(type_: Type, n_rows: int) -> Column:
    """Return a column of nulls."""
    filler = np.full(n_rows, _FILLERS[type_], dtype=type_.dtype)
    return Column(type_, filler, np.zeros(n_rows, dtype=np.bool_))


def length(columns: Columns) -> int:
    """Return the number of rows; 0 where there are no columns."""
    return next((len(each) for each in columns.values()), 0)


def schema_of(columns: Columns) -> dict[str, Type]:
    """Return each column's type by name."""
    return {name: each.type for name, each in columns.items()}


def take_rows(columns: Columns, rows: npt.NDArray[np.intp]) -> dict[str, Column]:
    """Return the rows at these positions, in their order."""
    return {name: each.take(rows) for name, each in columns.items()}


def filter_rows(columns: Columns, keep: npt.NDArray[np.bool_]) -> dict[str, Column]:
    """Return the rows where ``keep``, shape (n_rows,), is true."""
    return take_rows(columns, np.flatnonzero(keep))


def concat_columns(parts: Sequence[Column]) -> Column:
    """Join columns of one type end to end; there is at least one."""
    first = parts[0]
    values = np.concatenate([part.values for part in parts])
    return Column(first.type, values, np.concatenate([part.valid for part in parts]))


def concat_rows(parts: Sequence[Columns]) -> dict[str, Column]:
    """Join tables with the same columns end to end.

    Raises
    ------
    ExpressionError
        If the parts differ in their columns' names or types.
    """
    if not parts:
        return {}
    schema = schema_of(parts[0])
    for part in parts[1:]:
        if schema_of(part) != schema:
            raise ExpressionError(f"cannot join rows of {schema} with rows of {schema_of(part)}")
    return {name: concat_columns([part[name] for part in parts]) for name in schema}


def parse_timestamp(text: str) -> np.datetime64:
    """Read an RFC 3339 time; without an offset it is UTC.

    Examples
    --------
    >>> parse_timestamp("2013-01-01T05:15:00-05:00")
    np.datetime64('2013-01-01T10:15:00.000000')
    """
    try:
        return _from_datetime(datetime.fromisoformat(text))
    except ValueError as error:
        raise ExpressionError(f"`{text}` is not a time such as 2013-01-01T05:15:00Z") from error


def format_timestamp(value: np.datetime64) -> str:
    """Write a time as RFC 3339 in UTC, with as many digits of a second as it has.

    Examples
    --------
    >>> format_timestamp(np.datetime64("2013-01-01T05:15:00.5", "us"))
    '2013-01-01T05:15:00.500000Z'
    >>> format_timestamp(np.datetime64("2013-01-01", "us"))
    '2013-01-01T00:00:00Z'
    """
    moment: datetime = value.astype("datetime64[us]").item()
    return moment.isoformat() + "Z"


def _from_datetime(value: datetime) -> np.datetime64:
    aware = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(aware, "us")


def _mismatch(value: Any, type_: Type) -> ExpressionError:
    return ExpressionError(f"{value!r} is a {type(value).__name__}, not a {type_.value}")


def _to_string(value: Any) -> str:
    if not isinstance(value, str):
        raise _mismatch(value, Type.STRING)
    return str(value)


def _to_int(value: Any) -> int:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise _mismatch(value, Type.INT)
    if not -(2**63) <= int(value) < 2**63:
        raise ExpressionError(f"{value} does not fit a 64-bit int")
    return int(value)


def _to_float(value: Any) -> float | None:
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        raise _mismatch(value, Type.FLOAT)
    try:
        number = float(value)
    except OverflowError as error:
        raise ExpressionError(f"{value} does not fit a float") from error
    return None if np.isnan(number) else number


def _to_bool(value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise _mismatch(value, Type.BOOL)
    return bool(value)


def _to_timestamp(value: Any) -> np.datetime64 | None:
    if isinstance(value, str):
        return parse_timestamp(value)
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.astype("datetime64[us]")
    if not isinstance(value, datetime):
        raise _mismatch(value, Type.TIMESTAMP)
    return _from_datetime(value)


_CONVERTERS = {
    Type.STRING: _to_string,
    Type.INT: _to_int,
    Type.FLOAT: _to_float,
    Type.BOOL: _to_bool,
    Type.TIMESTAMP: _to_timestamp,
}
