"""The columns of Iceberg tables: what they are, how they change, and reading rows by them."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import pyarrow as pa
from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import ALWAYS_TRUE, FileScanTask, Table
from pyiceberg.types import DoubleType

from tidemill.datasets.evolution import (
    merge_widened,
    merged_fields,
    names_to_read,
    narrow_name,
    plan_evolution,
    under_names,
    with_narrow,
)
from tidemill.datasets.tables import Field


def fields_of(schema: Schema) -> list[Field]:
    """Return the columns of an Iceberg schema."""
    types = schema_to_pyarrow(schema, include_field_ids=False)
    return [
        Field(each.field_id, each.name, _as_written(types.field(each.name).type)) for each in schema.fields
    ]


def evolve(stored: Table, name: str, declared: pa.Schema, was: Mapping[str, str]) -> None:
    """Let a table become as declared.

    Each change is a commit of its own that leaves the table readable, and what is missing after a crash
    is found by the next call.

    Raises
    ------
    UploadRefused
        If its rows can not follow.
    """
    renamed, widened, added = plan_evolution(name, merged_fields(fields_of(stored.schema())), declared, was)
    before = {new: old for old, new in renamed.items()}
    moved = {**renamed} | {before.get(column, column): narrow_name(column) for column in widened}
    there = stored.schema().column_names
    moved |= {narrow_name(old): narrow_name(new) for old, new in renamed.items() if narrow_name(old) in there}
    if moved:
        with stored.update_schema() as update:
            for old, new in moved.items():
                update.rename_column(old, new)
    if widened or added:
        with stored.update_schema() as update:
            for column in widened:
                update.add_column(column, DoubleType())
            update.union_by_name(pa.schema(added))


def read_files(
    stored: Table, name: str, tasks: Iterable[FileScanTask], columns: Sequence[str] | None
) -> pa.Table:
    """Read rows by today's columns: one declared since is null in older rows, a widened one is whole.

    Those asked for may be named as they were before.

    Raises
    ------
    NotFound
        If the table does not have a column.
    """
    schema, as_asked = stored_columns(stored, name, columns)
    return as_asked(ArrowScan(stored.metadata, stored.io, schema, ALWAYS_TRUE).to_table(tasks))


def stored_columns(
    stored: Table, name: str, columns: Sequence[str] | None
) -> tuple[Schema, Callable[[pa.Table], pa.Table]]:
    """Return what to read of files, and what makes of it the columns asked for; NotFound if one is not."""
    schema = stored.schema()
    if columns is None:
        return schema, merge_widened
    former = sorted(stored.schemas().values(), key=lambda each: each.schema_id, reverse=True)
    names = names_to_read(name, columns, fields_of(schema), map(fields_of, former))
    schema = schema.select(*with_narrow(list(dict.fromkeys(names.values())), schema.column_names))
    return schema, lambda rows: under_names(merge_widened(rows), names)


def _as_written(type_: pa.DataType) -> pa.DataType:
    """Return the type rows are written with; PyIceberg names the one it reads them into."""
    if pa.types.is_large_string(type_):
        return pa.string()
    return pa.list_(_as_written(type_.value_type)) if pa.types.is_large_list(type_) else type_
