"""Tables as snapshots in memory, each the Arrow rows it added and the snapshot it builds on."""

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from tidemill.datasets.tables import IDS_PROPERTY, Appended, Commit, Field, TableFile
from tidemill.errors import Conflict, NotFound, did_you_mean

_FIRST_SNAPSHOT = 1001


class _Snapshot(NamedTuple):
    commit: Commit
    parent: int | None
    rows: pa.Table
    fields: tuple[Field, ...]


class _Table:
    def __init__(self, schema: pa.Schema) -> None:
        self.fields = [Field(number, field.name, field.type) for number, field in enumerate(schema, start=1)]
        self.snapshots: dict[int, _Snapshot] = {}
        self.current: int | None = None
        self.tags: dict[str, int] = {}
        self.sequence = 0

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(field.name, field.type) for field in self.fields])

    def lineage(self, snapshot_id: int | None) -> list[_Snapshot]:
        """Return a snapshot and those it builds on, oldest first."""
        found = []
        while snapshot_id in self.snapshots:
            found.append(self.snapshots[snapshot_id])
            snapshot_id = found[-1].parent
        return found[::-1]

    def commits(self) -> list[Commit]:
        return [snapshot.commit for snapshot in self.lineage(self.current)]

    def add(self, rows: pa.Table, properties: Mapping[str, str]) -> Commit:
        self.sequence += 1
        commit = Commit(_FIRST_SNAPSHOT + self.sequence, self.sequence, dict(properties))
        self.snapshots[commit.snapshot_id] = _Snapshot(commit, self.current, rows, tuple(self.fields))
        self.current = commit.snapshot_id
        return commit


class MemoryTables:
    """A database of tables in memory; commits are atomic between threads."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._lock = threading.Lock()

    def ensure(self, table: str, schema: pa.Schema) -> None:
        """Create a table unless it is there; columns it does not have yet are added."""
        with self._lock:
            stored = self._tables.setdefault(table, _Table(schema))
            for field in schema:
                if field.name not in stored.schema.names:
                    stored.fields.append(Field(len(stored.fields) + 1, field.name, field.type))

    def append(
        self,
        table: str,
        data: Iterator[pa.RecordBatch],
        properties: Mapping[str, str],
        *,
        ids: Collection[str],
    ) -> Appended:
        """Append rows in one commit, at most once for each id."""
        stored = self._table(table)
        if (found := _with_ids(stored.commits(), ids)) is not None:
            return Appended(found, new=False)
        rows = pa.Table.from_batches(list(data), stored.schema)
        with self._lock:
            if (found := _with_ids(stored.commits(), ids)) is not None:
                return Appended(found, new=False)
            return Appended(stored.add(rows, {**properties, IDS_PROPERTY: " ".join(sorted(ids))}), new=True)

    def commits(self, table: str, last: int | None = None) -> Sequence[Commit]:
        """Return the history, oldest first; only the newest ``last`` if given."""
        history = self._table(table).commits()
        return history[max(0, len(history) - last) if last is not None else 0 :]

    def rows(
        self,
        table: str,
        *,
        snapshot_id: int | None = None,
        added_only: bool = False,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows as of a snapshot, or only those it added."""
        stored = self._table(table)
        snapshots = stored.lineage(stored.current if snapshot_id is None else self._known(table, snapshot_id))
        chosen = [snapshot.rows for snapshot in (snapshots[-1:] if added_only else snapshots)]
        answer = pa.concat_tables([stored.schema.empty_table(), *chosen], promote_options="default")
        return answer if columns is None else answer.select(list(columns))

    def tag(self, table: str, snapshot_id: int, name: str) -> None:
        """Name a snapshot; Conflict if the name is another snapshot's."""
        self._known(table, snapshot_id)
        if self._table(table).tags.setdefault(name, snapshot_id) != snapshot_id:
            raise Conflict(
                f"tag `{name}` of table `{table}` already names another snapshot; choose another name"
            )

    def history(self, table: str, snapshot_id: int) -> Sequence[Commit]:
        """Return the commits that led to a snapshot, oldest first."""
        lineage = self._table(table).lineage(self._known(table, snapshot_id))
        return [snapshot.commit for snapshot in lineage]

    def tags(self, table: str) -> Mapping[str, int]:
        """Return the snapshot id of each tag."""
        return dict(self._table(table).tags)

    def fields(self, table: str, snapshot_id: int | None = None) -> Sequence[Field]:
        """Return the columns as of a snapshot, or as they are now."""
        if snapshot_id is None:
            return tuple(self._table(table).fields)
        return self._table(table).snapshots[self._known(table, snapshot_id)].fields

    def files(self, table: str, snapshot_id: int) -> Sequence[TableFile]:
        """Return one file for each commit that brought rows."""
        lineage = self._table(table).lineage(self._known(table, snapshot_id))
        return [
            TableFile(f"{table}/{each.commit.snapshot_id}", each.rows.num_rows, each.rows.nbytes)
            for each in lineage
            if each.rows.num_rows
        ]

    def set_current(self, table: str, snapshot_id: int, *, expected: int) -> None:
        """Make a snapshot the current one; Conflict if ``expected`` no longer is."""
        self._known(table, snapshot_id)
        stored = self._table(table)
        with self._lock:
            if stored.current != expected:
                raise Conflict(f"table `{table}` is at snapshot {stored.current}, no longer at {expected}")
            stored.current = snapshot_id

    def _table(self, table: str) -> _Table:
        if table not in self._tables:
            raise NotFound(f"no table `{table}`{did_you_mean(table, self._tables)}")
        return self._tables[table]

    def _known(self, table: str, snapshot_id: int) -> int:
        if snapshot_id not in self._table(table).snapshots:
            raise NotFound(
                f"table `{table}` has no snapshot {snapshot_id}; `tidemill data log {table}` lists them"
            )
        return snapshot_id


def _with_ids(commits: Sequence[Commit], ids: Collection[str]) -> Commit | None:
    wanted = set(ids)
    return next((commit for commit in reversed(commits) if wanted & commit.ids), None)
