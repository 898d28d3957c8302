"""Reading a version file by file, a few of them ahead, or in smaller pieces."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io import FileIO
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot

from tidemill.aws.iceberg_failures import iceberg_failures
from tidemill.aws.schemas import read_files, stored_columns
from tidemill.aws.snapshots import files_of
from tidemill.datasets.ahead import one_ahead
from tidemill.datasets.tables import Parts

_AHEAD = 3  # a file is decoded while the next ones come over the network


def parts_of(stored: Table, name: str, snapshot: Snapshot, columns: Sequence[str]) -> Parts:
    """Plan the files of a snapshot and return what reads them, in the order of their paths."""
    tasks = sorted(files_of(stored, snapshot), key=lambda task: task.file.file_path)
    rows = sum(task.file.record_count for task in tasks)
    return Parts(rows, len(tasks), _read(stored, name, tasks, columns))


def read_pieces(
    stored: Table, name: str, tasks: Sequence[FileScanTask], columns: Sequence[str]
) -> Iterator[pa.Table]:
    """Read files row group by row group, one of them ahead, by today's columns.

    PyIceberg's scan has up to a whole file in memory, which may be several million rows.

    Raises
    ------
    NotFound
        If the table does not have a column; when the first piece is read.
    """
    with iceberg_failures(f"reading table `{name}`"):
        schema, as_asked = stored_columns(stored, name, columns)
        groups = (group for task in tasks for group in _row_groups(stored.io, task.file.file_path, schema))
        with closing(one_ahead(groups)) as ahead:
            yield from map(as_asked, ahead)


def _row_groups(io: FileIO, path: str, schema: Schema) -> Iterator[pa.Table]:
    """Read a file of ``write_files``: a column is found by its id, and null where there was none yet."""
    types = schema_to_pyarrow(schema, include_field_ids=False)
    with io.new_input(path).open() as stream, pq.ParquetFile(stream, pre_buffer=True) as file:
        names = {int(field.metadata[b"PARQUET:field_id"]): field.name for field in file.schema_arrow}
        there = [names.get(field.field_id) for field in schema.fields]
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=[name for name in there if name is not None])
            n_rows = file.metadata.row_group(number).num_rows
            columns = [
                pa.nulls(n_rows, type_) if name is None else rows.column(name).cast(type_)
                for name, type_ in zip(there, types.types, strict=True)
            ]
            yield pa.table(columns, schema=types)


def _read(
    stored: Table, name: str, tasks: Sequence[FileScanTask], columns: Sequence[str]
) -> Iterator[pa.Table]:
    with iceberg_failures(f"reading table `{name}`"), ThreadPoolExecutor(_AHEAD) as pool:
        read = partial(read_files, stored, name, columns=columns)
        waiting = deque(pool.submit(read, tasks=[task]) for task in tasks[:_AHEAD])
        for following in [*tasks[_AHEAD:], *[None] * _AHEAD]:
            if waiting:
                yield waiting.popleft().result()
            if following is not None:
                waiting.append(pool.submit(read, tasks=[following]))
