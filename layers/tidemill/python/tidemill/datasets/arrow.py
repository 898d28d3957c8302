"""Between Arrow, in which tables are stored, and columns, in which the library computes."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.evolution import as_defined
from tidemill.errors import NotFound, did_you_mean
from tidemill.expressions.columns import Column, Columns, DictionaryColumn, Schema, Type
from tidemill.features.definitions import ViewDefinition

Rows: TypeAlias = pa.Table | pa.RecordBatch

ARROW_TYPES: dict[Type, pa.DataType] = {
    Type.STRING: pa.string(),
    Type.INT: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.BOOL: pa.bool_(),
    Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}
"""How a column of each type is stored."""
_CODES = {Type.STRING: np.dtype(np.int32)}
"""What is gathered in place of strings: where each stands among the different ones."""
_BY_DICTIONARY = pa.dictionary(pa.int32(), pa.string())


def arrow_schema(schema: Schema) -> pa.Schema:
    """Return the Arrow schema rows of a source are stored with; every column may be null.

    Examples
    --------
    >>> arrow_schema({"origin": Type.STRING}).field("origin").type
    DataType(string)
    """
    return pa.schema([pa.field(name, ARROW_TYPES[type_]) for name, type_ in schema.items()])


def to_columns(rows: Rows, schema: Schema) -> dict[str, Column]:
    """Turn Arrow rows into columns.

    Parameters
    ----------
    rows
        Columns of the types ``arrow_schema`` gives, in any order; others are left out.
    schema
        The columns wanted.

    Returns
    -------
    dict[str, Column]
        The schema's columns, in its order; NaN is null.

    Raises
    ------
    NotFound
        If a column of the schema is missing.

    Examples
    --------
    >>> rows = pa.table({"delay": [1.5, None, float("nan")]})
    >>> to_columns(rows, {"delay": Type.FLOAT})["delay"].to_list()
    [1.5, None, None]
    """
    columns = {}
    for name, type_ in schema.items():
        if name not in rows.schema.names:
            raise NotFound(f"the rows have no column `{name}`{did_you_mean(name, rows.schema.names)}")
        array = rows.column(name)
        if isinstance(array, pa.ChunkedArray):
            array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()  # which copies
        columns[name] = _READERS[type_](_as_stored(array, type_))
    return columns


def gather_columns(parts: Iterable[Rows], schema: Schema, n_rows: int) -> dict[str, Column]:
    """Turn Arrow rows that come in parts into columns; each part can be forgotten when the next one comes.

    Parameters
    ----------
    parts
        As ``to_columns`` takes them.
    schema
        The columns wanted.
    n_rows
        How many rows the parts have together.

    Returns
    -------
    dict[str, Column]
        The schema's columns, in its order; NaN is null.

    Raises
    ------
    NotFound
        If a column of the schema is missing.
    ValueError
        If the parts have another number of rows.

    Examples
    --------
    >>> parts = [pa.table({"delay": [1.5, None]}), pa.table({"delay": [2.5]})]
    >>> gather_columns(parts, {"delay": Type.FLOAT}, n_rows=3)["delay"].to_list()
    [1.5, None, 2.5]
    """
    values = {name: np.empty(n_rows, _CODES.get(type_, type_.dtype)) for name, type_ in schema.items()}
    valid = {name: np.empty(n_rows, np.bool_) for name in schema}
    words: dict[str, dict[str, int]] = {name: {} for name in schema}
    end = 0
    whole: dict[str, Column] | None = None
    for part in parts:
        start, end = end, end + part.num_rows
        if end > n_rows:
            break
        columns = to_columns(part, schema)
        if part.num_rows == n_rows:
            whole = columns  # as they are: nothing else is to be gathered
            continue
        for name, column in columns.items():
            values[name][start:end] = _gatherable(column, words[name])
            valid[name][start:end] = column.valid
    if end != n_rows:
        raise ValueError(f"{n_rows} rows were announced, and {end} or more came")
    return whole or {
        name: _gathered(type_, values[name], valid[name], words[name]) for name, type_ in schema.items()
    }


def _gatherable(column: Column, words: dict[str, int]) -> Any:
    """Return values, or where strings stand among all words met so far; new ones are added."""
    if not isinstance(column, DictionaryColumn):
        return column.values
    codes = [words.setdefault(word, len(words)) for word in column.words.tolist()]
    return np.array(codes, np.int32)[column.codes]


def _gathered(type_: Type, values: Any, valid: Any, words: Mapping[str, int]) -> Column:
    if type_ is Type.STRING:
        return DictionaryColumn(np.array(list(words), dtype=object), values, valid)
    return Column(type_, values, valid)


def rows_for_views(rows: pa.Table, views: Iterable[ViewDefinition]) -> dict[str, dict[str, Column]]:
    """Turn Arrow rows of a source into the columns that some views read, each by the types it was defined by.

    Parameters
    ----------
    rows
        Rows of the source's table.
    views
        The views.

    Returns
    -------
    dict[str, dict[str, Column]]
        The columns that each of the views reads, by its reference.

    Raises
    ------
    NotFound
        If the rows have no such column.
    """
    read: dict[tuple[str, Type], Column] = {}  # most columns are read by more views than one
    found = {}
    for view in views:
        missing = {name: type_ for name, type_ in view.schema.items() if (name, type_) not in read}
        columns = to_columns(as_defined(rows, missing), missing)
        read |= {(name, missing[name]): column for name, column in columns.items()}
        found[view.reference] = {name: read[name, type_] for name, type_ in view.schema.items()}
    return found


def from_columns(columns: Columns) -> pa.Table:
    """Turn columns into Arrow rows.

    Examples
    --------
    >>> from tidemill.expressions.columns import column
    >>> from_columns({"n": column(Type.INT, [1, None])}).to_pylist()
    [{'n': 1}, {'n': None}]
    """
    arrays = [_to_array(each) for each in columns.values()]
    schema = arrow_schema({name: each.type for name, each in columns.items()})
    return pa.Table.from_arrays(arrays, schema=schema)


def _to_array(column: Column) -> pa.Array:
    if column.type is Type.TIMESTAMP:
        instants = pa.array(column.values, type=pa.timestamp("us"), mask=~column.valid)
        return instants.cast(ARROW_TYPES[Type.TIMESTAMP])
    return pa.array(column.values, type=ARROW_TYPES[column.type], mask=~column.valid)


def _as_stored(array: pa.Array, type_: Type) -> pa.Array:
    """Return values of the type they are stored with, but strings that came by a dictionary by that."""
    if type_ is Type.STRING and array.type == _BY_DICTIONARY and array.dictionary.null_count == 0:
        return array
    return array.cast(ARROW_TYPES[type_])


def _read_strings(array: pa.Array) -> Column:
    # Each distinct string becomes one Python object, however often it occurs, and rows that are read by a
    # dictionary need not be told apart again.
    encoded = array if array.type == _BY_DICTIONARY else array.dictionary_encode()
    words = encoded.dictionary.to_numpy(zero_copy_only=False)
    if array.null_count:
        words = np.append(words, "")
    return DictionaryColumn(words, _values(encoded.indices, len(words) - 1), _valid(array))


def _read_floats(array: pa.Array) -> Column:
    values = _values(array, np.nan)
    return Column(Type.FLOAT, values, ~np.isnan(values))


def _read_timestamps(array: pa.Array) -> Column:
    instants = _values(array.cast(pa.int64()), 0)
    return Column(Type.TIMESTAMP, instants.view("datetime64[us]"), _valid(array))


def _reader(type_: Type, filler: Any) -> Callable[[pa.Array], Column]:
    def read(array: pa.Array) -> Column:
        return Column(type_, _values(array, filler), _valid(array))

    return read


def _values(array: pa.Array, filler: Any) -> Any:
    # Filling copies; without a null numpy looks at Arrow's own memory.
    filled = array.fill_null(filler) if array.null_count else array
    return filled.to_numpy(zero_copy_only=False)


def _valid(array: pa.Array) -> Any:
    if array.null_count == 0:
        return np.ones(len(array), dtype=np.bool_)
    return pc.is_valid(array).to_numpy(zero_copy_only=False)


_READERS: dict[Type, Callable[[pa.Array], Column]] = {
    Type.STRING: _read_strings,
    Type.INT: _reader(Type.INT, 0),
    Type.FLOAT: _read_floats,
    Type.BOOL: _reader(Type.BOOL, filler=False),
    Type.TIMESTAMP: _read_timestamps,
}
