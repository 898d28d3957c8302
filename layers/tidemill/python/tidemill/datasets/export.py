"""Writing a version's rows to a file."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from tidemill.datasets.tables import History, Tables
from tidemill.errors import InvalidRequest


def read_version(tables: Tables, history: History, table: str, snapshot_id: int) -> pa.Table:
    """Return a version's rows with the columns it had, under the names they have today.

    Parameters
    ----------
    tables, history
        The database.
    table
        The table.
    snapshot_id
        The version.

    Returns
    -------
    pa.Table
        Its rows.
    """
    columns = columns_of(history, table, snapshot_id)
    return tables.rows(table, snapshot_id=snapshot_id, columns=columns).select(columns)


def columns_of(history: History, table: str, snapshot_id: int) -> list[str]:
    """Return the columns a version had, under the names they have today."""
    ids = {field.id for field in history.fields(table, snapshot_id)}
    return [field.name for field in history.fields(table) if field.id in ids]


def write_rows(tables: Tables, history: History, table: str, snapshot_id: int, file: Path) -> int:
    """Write a version's rows as the file's ending says: ``.parquet``, ``.csv`` or ``.jsonl``.

    Parameters
    ----------
    tables, history
        The database.
    table
        The table.
    snapshot_id
        The version.
    file
        Where to; what was there is replaced.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    InvalidRequest
        If the file's name ends otherwise.
    """
    if file.suffix not in _WRITERS:
        raise InvalidRequest(f"{file} ends in none of {', '.join(_WRITERS)}; name it by the format you want")
    rows = read_version(tables, history, table, snapshot_id)
    _WRITERS[file.suffix](rows, file)
    return int(rows.num_rows)


def _write_parquet(rows: pa.Table, file: Path) -> None:
    pq.write_table(rows, file, compression="zstd")


def _write_csv(rows: pa.Table, file: Path) -> None:
    pa.csv.write_csv(rows, file)


def _write_json_lines(rows: pa.Table, file: Path) -> None:
    with file.open("w", encoding="utf-8") as stream:
        for batch in rows.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                stream.write(json.dumps(row, default=_as_text, ensure_ascii=False) + "\n")


def _as_text(moment: object) -> str:
    return str(moment).replace(" ", "T").replace("+00:00", "Z")


_WRITERS: dict[str, Callable[[pa.Table, Path], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_json_lines,
}
