"""Writing record batches as the Parquet files of an Iceberg table, in bounded memory."""

import uuid
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from tidemill.datasets.ahead import one_ahead

_ROW_GROUP_ROWS = 131_072
_FILE_ROWS = 32 * _ROW_GROUP_ROWS


def write_files(table: Table, data: Iterator[pa.RecordBatch]) -> list[str]:
    """Write all batches and return the paths of the files, making one row group while another is written.

    Columns carry the table's field ids, so the files read right whatever is renamed later.

    Parameters
    ----------
    table
        The table the files are for; it does not know of them yet.
    data
        Batches of one schema, whose columns are all the table's.

    Returns
    -------
    list[str]
        Locations, in row order; none if there was no row.

    Raises
    ------
    Exception
        What ``data`` raises, after the files written so far were deleted.
    """
    paths: list[str] = []
    try:
        with closing(one_ahead(_row_groups(table, data))) as groups:
            group = next(groups, None)
            while group is not None:
                path = table.location_provider().new_data_location(f"{uuid.uuid4()}.parquet")
                paths.append(path)
                group = _write_file(table, path, group, groups)
    except BaseException:
        discard_files(table, paths)
        raise
    return paths


def discard_files(table: Table, paths: list[str]) -> None:
    """Delete files that no commit names."""
    for path in paths:
        table.io.delete(path)


def _write_file(table: Table, path: str, group: pa.Table, rest: Iterator[pa.Table]) -> pa.Table | None:
    """Write one file of up to ``_FILE_ROWS`` rows; answer the row group the next file starts with."""
    rows = 0
    following: pa.Table | None = group
    with (
        table.io.new_output(path).create(overwrite=True) as stream,
        pq.ParquetWriter(stream, group.schema, compression="zstd") as writer,
    ):
        while following is not None and rows < _FILE_ROWS:
            writer.write_table(following, row_group_size=_ROW_GROUP_ROWS)
            rows += following.num_rows
            following = next(rest, None)
    return following


def _row_groups(table: Table, data: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    schema = schema_to_pyarrow(table.schema(), include_field_ids=True)
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in data:
        if batch.num_rows:
            waiting.append(batch)
            rows += batch.num_rows
        if rows >= _ROW_GROUP_ROWS:
            yield _conformed(waiting, schema)
            waiting, rows = [], 0
    if waiting:
        yield _conformed(waiting, schema)


def _conformed(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    present = pa.schema([field for field in schema if field.name in batches[0].schema.names])
    return pa.Table.from_batches(batches).select(present.names).cast(present)
