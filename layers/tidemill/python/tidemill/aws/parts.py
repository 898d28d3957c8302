"""Reading a version file by file, a few of them ahead, or in smaller pieces."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pyarrow as pa
from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Snapshot

from tidemill.aws.iceberg_failures import iceberg_failures
from tidemill.aws.schemas import read_files, scan_of
from tidemill.aws.snapshots import files_of
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
    """Read files one after the other, each in pieces of at most a row group, by today's columns.

    NotFound, when the first piece is read, if the table does not have a column.
    """
    with iceberg_failures(f"reading table `{name}`"):
        scan, as_asked = scan_of(stored, name, columns)
        for task in tasks:
            # `to_record_batches` would read all of a file before its first batch; nobody deletes single rows.
            for batch in scan._record_batches_from_scan_tasks_and_deletes([task], {}):  # noqa: SLF001  # as said
                yield as_asked(pa.Table.from_batches([batch]))


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
