"""How a table follows its source's declaration, and which changes it can not follow.

A column may be added, renamed (declared with ``was``), or widened from Int to Float; one that is no longer
declared stays in the table and is null in new rows. Iceberg itself widens no 64-bit integer to a float, so
the integers stay where they are, under ``<name>__int``, and a reader takes either.

Models in service, and training sets of old versions, know columns as they were declared then. They ask for
them by the names they had (``names_to_read``) and take them by the types they had (``as_defined``).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from tidemill.datasets.tables import Field
from tidemill.errors import NotFound, UploadRefused, did_you_mean
from tidemill.expressions.columns import Schema, Type

_WIDENED = "__int"
_GREATEST_CERTAIN = 2.0**53
"""Up to it every integer is a float of its own."""


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


def names_to_read(
    table: str, columns: Sequence[str], stored: Sequence[Field], former: Iterable[Sequence[Field]]
) -> dict[str, str]:
    """Find what columns are called now: a view in service may have been made by names they had.

    Parameters
    ----------
    table
        The table's name, for messages.
    columns
        Names that the columns have, or had; the one that has a name goes before those that had it.
    stored
        The table's columns.
    former
        Its columns as they were before each change, newest first.

    Returns
    -------
    dict[str, str]
        Today's name of each.

    Raises
    ------
    NotFound
        If no column has, or had, such a name.

    Examples
    --------
    >>> stored, former = [Field(1, "target", pa.string())], [Field(1, "dest", pa.string())]
    >>> names_to_read("flights", ["target", "dest"], stored, [former])
    {'target': 'target', 'dest': 'target'}
    """
    today = {field.id: field.name for field in merged_fields(stored)}
    known = {name: name for name in today.values()}
    for fields in former:
        for field in merged_fields(fields):
            if field.id in today:
                known.setdefault(field.name, today[field.id])
    for name in columns:
        if name not in known:
            raise NotFound(
                f"table `{table}` has no column `{name}`{did_you_mean(name, today.values())}; "
                "one that was just declared comes with the next upload"
            )
    return {name: known[name] for name in columns}


def under_names(rows: pa.Table, names: Mapping[str, str]) -> pa.Table:
    """Return columns by the names they were asked for by, as ``names_to_read`` gives them.

    Examples
    --------
    >>> under_names(pa.table({"target": ["JFK"]}), {"target": "target", "dest": "target"}).to_pydict()
    {'target': ['JFK'], 'dest': ['JFK']}
    """
    return pa.table({asked: rows.column(name) for asked, name in names.items()})


def as_defined(rows: pa.Table, schema: Schema) -> pa.Table:
    """Return rows as whoever knows them by an older schema takes them: widened columns as integers again.

    What is no integer is null, and so is one beyond 2**53: floats do not tell it from its neighbours.

    Examples
    --------
    >>> from tidemill.expressions import Int
    >>> as_defined(pa.table({"seats": [55.0, 2.5, None]}), {"seats": Int}).to_pydict()
    {'seats': [55, None, None]}
    """
    for name, type_ in schema.items():
        if type_ is not Type.INT or name not in rows.column_names:
            continue
        column = rows.column(name)
        if pa.types.is_floating(column.type):
            fits = pc.and_(
                pc.equal(pc.floor(column), column), pc.less_equal(pc.abs(column), _GREATEST_CERTAIN)
            )
            integers = pc.if_else(fits, column, None).cast(pa.int64())
            rows = rows.set_column(rows.column_names.index(name), name, integers)
    return rows
