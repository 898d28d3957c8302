"""How a table follows its source's declaration, and which changes it can not follow.

A column may be added, renamed (declared with ``was``), or widened from Int to Float; one that is no longer
declared stays in the table and is null in new rows. Iceberg itself widens no 64-bit integer to a float, so
the integers stay where they are, under ``<name>__int``, and a reader takes either.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.tables import Field
from tidemill.errors import UploadRefused

_WIDENED = "__int"


class Evolution(NamedTuple):
    """What is to be done to a table, in this order: columns to rename, to widen and to add."""

    renamed: Mapping[str, str]
    widened: Sequence[str]
    added: Sequence[pa.Field]


def plan_evolution(
    table: str, stored: Sequence[Field], declared: pa.Schema, was: Mapping[str, str]
) -> Evolution:
    """Work out how a table becomes what its source declares.

    Parameters
    ----------
    table
        The table's name, for messages.
    stored
        Its columns, as ``merged_fields`` has them.
    declared
        The columns it should have.
    was
        The former name of columns that were renamed.

    Returns
    -------
    Evolution
        Nothing in it if the table is as declared.

    Raises
    ------
    UploadRefused
        If the declaration changes a column in a way that stored rows can not follow.

    Examples
    --------
    >>> stored = [Field(1, "dest", pa.string()), Field(2, "seats", pa.int64())]
    >>> declared = pa.schema([("destination", pa.string()), ("seats", pa.float64()), ("gate", pa.string())])
    >>> renamed, widened, added = plan_evolution("flights", stored, declared, {"destination": "dest"})
    >>> renamed, widened, [field.name for field in added]
    ({'dest': 'destination'}, ['seats'], ['gate'])
    """
    types = {field.name: field.type for field in stored}
    renamed = {old: new for new, old in was.items() if old in types and new in declared.names}
    for old, new in renamed.items():
        if new in types:
            raise UploadRefused(
                f"table `{table}` has both `{new}` and `{old}`, so `{old}` can not become `{new}`; "
                f"take `{new}` out of `was`, or roll back to before `{new}` was added"
            )
        types[new] = types.pop(old)
    widened = []
    for field in declared:
        is_there = types.get(field.name, field.type)
        if is_there == field.type:
            continue
        if not (pa.types.is_integer(is_there) and pa.types.is_floating(field.type)):
            raise UploadRefused(
                f"table `{table}`: column `{field.name}` is stored as {is_there}, declared as {field.type}, "
                "and only Int can be widened, to Float; keep the type, or declare a column of another name"
            )
        widened.append(field.name)
    return Evolution(renamed, widened, [field for field in declared if field.name not in types])


def narrow_name(column: str) -> str:
    """Return under which name a widened column's integers stay.

    Examples
    --------
    >>> narrow_name("seats")
    'seats__int'
    """
    return column + _WIDENED


def merged_fields(fields: Sequence[Field]) -> list[Field]:
    """Return columns as readers see them: a widened one is one column, there since its integers were.

    Examples
    --------
    >>> merged_fields([Field(1, "seats__int", pa.int64()), Field(2, "seats", pa.float64())])
    [Field(id=1, name='seats', type=DataType(double))]
    """
    by_name = {field.name: field for field in fields}
    narrow = {narrow_name(name): name for name in by_name if narrow_name(name) in by_name}
    merged = []
    for field in fields:
        if field.name in narrow:
            wide = by_name[narrow[field.name]]
            merged.append(Field(field.id, wide.name, wide.type))
        elif narrow_name(field.name) not in by_name:
            merged.append(field)
    return merged


def with_narrow(columns: Sequence[str], stored: Sequence[str]) -> list[str]:
    """Return the stored columns to read for some columns."""
    return [*columns, *(narrow_name(name) for name in columns if narrow_name(name) in stored)]


def merge_widened(rows: pa.Table) -> pa.Table:
    """Put the integers of widened columns where the floats are missing, and let go of their own column.

    Examples
    --------
    >>> merge_widened(pa.table({"seats": [None, 2.5], "seats__int": [55, None]})).to_pydict()
    {'seats': [55.0, 2.5]}
    """
    for name in rows.column_names:
        if narrow_name(name) not in rows.column_names:
            continue
        integers = rows.column(narrow_name(name)).cast(pa.float64(), safe=False)
        merged = pc.coalesce(rows.column(name), integers)
        rows = rows.set_column(rows.column_names.index(name), name, merged)
        rows = rows.drop_columns([narrow_name(name)])
    return rows


def with_former_names(rows: pa.Table, was: Mapping[str, str]) -> pa.Table:
    """Let renamed columns be found by their former names too: a view in service may have been made by those.

    Examples
    --------
    >>> with_former_names(pa.table({"destination": ["JFK"]}), {"destination": "dest"}).to_pydict()
    {'destination': ['JFK'], 'dest': ['JFK']}
    """
    for new, old in was.items():
        if new in rows.column_names and old not in rows.column_names:
            rows = rows.append_column(old, rows.column(new))
    return rows
