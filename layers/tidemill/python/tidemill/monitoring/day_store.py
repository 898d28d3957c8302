"""Where a day's aggregates lie, and how a table is read commit by commit.

Aggregates are named by their content, so a name's bytes never change.
"""

import io
import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from tidemill.canonical import canonical_json, digest_bytes
from tidemill.datasets.tables import Commit, Tables
from tidemill.errors import NotFound
from tidemill.monitoring.daily import DayHistogram
from tidemill.ports import Blobs

_CACHED_BLOBS = 256
_CACHED_BLOB_BYTES = 1_000_000  # a day of millions of rows is read again rather than held


class DayBlobs:
    """Aggregates in the data bucket, named by their content, and the newest of them in memory."""

    def __init__(self, blobs: Blobs, model: str) -> None:
        self._blobs = blobs
        self._prefix = f"reports/monitor/{model}/days"
        self._cached: dict[str, bytes] = {}

    def rows(self, day: str, digest: str) -> pa.Table:
        """Return a day's narrow table."""
        return pq.read_table(io.BytesIO(self._get(f"{day}/rows-{digest}.parquet")))

    def put_rows(self, day: str, rows: pa.Table) -> str:
        """Keep a day's narrow table and return its digest."""
        buffer = io.BytesIO()
        pq.write_table(rows, buffer, compression="zstd")
        digest = digest_bytes(buffer.getvalue())
        self._put(f"{day}/rows-{digest}.parquet", buffer.getvalue())
        return digest

    def histogram(self, day: str, digest: str) -> DayHistogram:
        """Return a day's histogram."""
        return DayHistogram.from_json(json.loads(self._get(f"{day}/histogram-{digest}.json")))

    def put_histogram(self, day: str, histogram: DayHistogram) -> str:
        """Keep a day's histogram and return its digest."""
        data = canonical_json(histogram.to_json())
        digest = digest_bytes(data)
        self._put(f"{day}/histogram-{digest}.json", data)
        return digest

    def _get(self, name: str) -> bytes:
        data = self._cached.get(name)
        if data is None:
            data = self._blobs.get(f"{self._prefix}/{name}")
            self._remember(name, data)
        return data

    def _put(self, name: str, data: bytes) -> None:
        if name not in self._cached:
            self._blobs.put(f"{self._prefix}/{name}", data)
            self._remember(name, data)

    def _remember(self, name: str, data: bytes) -> None:
        if len(data) > _CACHED_BLOB_BYTES:
            return
        if len(self._cached) >= _CACHED_BLOBS:
            del self._cached[next(iter(self._cached))]
        self._cached[name] = data


class CommitReader:
    """Rows of a table commit by commit, each read once."""

    def __init__(self, tables: Tables, table: str, columns: Sequence[str] | None = None) -> None:
        self._tables = tables
        self._table = table
        self._columns = columns
        self._commits: list[Commit] | None = None
        self._rows: dict[int, pa.Table] = {}

    def between(self, first: int, last: int | None = None) -> list[Commit]:
        """Return the commits from sequence ``first`` to ``last``; none if there is no such table yet."""
        if self._commits is None:
            try:
                self._commits = list(self._tables.commits(self._table))
            except NotFound:
                self._commits = []
        return [c for c in self._commits if first <= c.sequence and (last is None or c.sequence <= last)]

    def rows(self, commit: Commit) -> pa.Table:
        """Return the rows a commit added."""
        if commit.sequence not in self._rows:
            self._rows[commit.sequence] = self._tables.rows(
                self._table, snapshot_id=commit.snapshot_id, added_only=True, columns=self._columns
            )
        return self._rows[commit.sequence]
