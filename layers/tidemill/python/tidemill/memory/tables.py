"""Tables as snapshots in memory, each the Arrow rows it added and the snapshot it builds on."""

import itertools
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from tidemill.datasets.evolution import names_to_read, plan_evolution, under_names
from tidemill.datasets.tables import (
    AT_PROPERTY,
    IDS_PROPERTY,
    NOTHING_RENAMED,
    Appended,
    Commit,
    Field,
    KeptSnapshot,
    Parts,
    TableFile,
)
from tidemill.errors import Conflict, NotFound, did_you_mean

_FIRST_SNAPSHOT = 1001
_PIECE_ROWS = 3  # so few that whoever reads pieces meets several of a commit


class _Snapshot(NamedTuple):
    commit: Commit
    parent: int | None
    added: pa.Table
    rows: pa.Table
    fields: tuple[Field, ...]


class _Table:
    def __init__(self, schema: pa.Schema) -> None:
        self.fields = [Field(number, field.name, field.type) for number, field in enumerate(schema, start=1)]
        self.former: list[list[Field]] = []
        self.snapshots: dict[int, _Snapshot] = {}
        self.current: int | None = None
        self.tags: dict[str, int] = {}
        self.sequence = 0

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([pa.field(field.name, field.type) for field in self.fields])

    def by_id(self, rows: pa.Table) -> pa.Table:
        """Return rows as they are kept: under the ids of their columns, which no renaming changes."""
        ids = {field.name: str(field.id) for field in self.fields}
        return rows.rename_columns([ids[name] for name in rows.column_names])

    def by_name(self, rows: pa.Table) -> pa.Table:
        """Return kept rows as they are read: by today's columns, one declared since being null."""
        columns = [
            rows.column(str(id_)).cast(type_) if str(id_) in rows.column_names else pa.nulls(len(rows), type_)
            for id_, _, type_ in self.fields
        ]
        return pa.table(columns, schema=self.schema)

    def lineage(self, snapshot_id: int | None) -> list[_Snapshot]:
        """Return a snapshot and those it builds on, oldest first."""
        found = []
        while snapshot_id in self.snapshots:
            found.append(self.snapshots[snapshot_id])
            snapshot_id = found[-1].parent
        return found[::-1]

    def added_since(self, since: int, snapshot_id: int | None) -> pa.Table:
        """Return what the commits after one of a snapshot's history added."""
        lineage = self.lineage(snapshot_id)
        ids = [snapshot.commit.snapshot_id for snapshot in lineage]
        if since not in ids:
            raise NotFound(f"snapshot {since} has expired or was taken back, so nobody knows what came since")
        added = [self.by_name(snapshot.added) for snapshot in lineage[ids.index(since) + 1 :]]
        return pa.concat_tables([self.schema.empty_table(), *added])

    def commits(self) -> list[Commit]:
        return [snapshot.commit for snapshot in self.lineage(self.current)]

    def add(self, rows: pa.Table, properties: Mapping[str, str]) -> Commit:
        self.sequence += 1
        commit = Commit(_FIRST_SNAPSHOT + self.sequence, self.sequence, dict(properties))
        before = [] if self.current is None else [self.snapshots[self.current].rows]
        whole = pa.concat_tables([*before, rows], promote_options="permissive")
        self.snapshots[commit.snapshot_id] = _Snapshot(commit, self.current, rows, whole, tuple(self.fields))
        self.current = commit.snapshot_id
        return commit


class MemoryTables:
    """A database of tables in memory; commits are atomic between threads."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}
        self._lock = threading.Lock()

    def ensure(self, table: str, schema: pa.Schema, *, was: Mapping[str, str] = NOTHING_RENAMED) -> None:
        """Create a table unless it is there, or let it become as declared; ``was`` gives former names."""
        with self._lock:
            stored = self._tables.setdefault(table, _Table(schema))
            renamed, widened, added = plan_evolution(table, stored.fields, schema, was)
            kept = [Field(id_, renamed.get(name, name), type_) for id_, name, type_ in stored.fields]
            kept = [field._replace(type=pa.float64()) if field.name in widened else field for field in kept]
            new = [Field(len(kept) + n, field.name, field.type) for n, field in enumerate(added, start=1)]
            stored.former.insert(0, stored.fields)
            stored.fields = [*kept, *new]

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
        rows = stored.by_id(pa.Table.from_batches(list(data), stored.schema))
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
        since: int | None = None,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return rows as of a snapshot, or only those it added, or that were added since another."""
        stored = self._table(table)
        chosen = stored.current if snapshot_id is None else self._known(table, snapshot_id)
        rows = stored.schema.empty_table()
        if since is not None:
            rows = stored.added_since(since, chosen)
        elif chosen is not None:
            snapshot = stored.snapshots[chosen]
            is_oldest = snapshot.parent not in stored.snapshots
            rows = stored.by_name(snapshot.added if added_only and not is_oldest else snapshot.rows)
        if columns is None:
            return rows
        return under_names(rows, names_to_read(table, columns, stored.fields, stored.former))

    def parts(self, table: str, *, snapshot_id: int, columns: Sequence[str]) -> Parts:
        """Return rows as of a snapshot, one part for each commit that brought rows."""
        whole = self.rows(table, snapshot_id=snapshot_id, columns=columns)
        ends = list(itertools.accumulate((file.rows for file in self.files(table, snapshot_id)), initial=0))
        parts = (whole.slice(start, end - start) for start, end in itertools.pairwise(ends))
        return Parts(whole.num_rows, len(ends) - 1, parts)

    def added(
        self, table: str, *, snapshot_id: int, since: int | None, columns: Sequence[str]
    ) -> Iterator[pa.Table]:
        """Return what a snapshot has beyond an earlier one, or all, in pieces of a few rows."""
        rows = self.rows(table, snapshot_id=snapshot_id, since=since, columns=columns)
        return (rows.slice(start, _PIECE_ROWS) for start in range(0, rows.num_rows, _PIECE_ROWS))

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
        held = [(each.commit.snapshot_id, each.added if n else each.rows) for n, each in enumerate(lineage)]
        return [TableFile(f"{table}/{made}", rows.num_rows, rows.nbytes) for made, rows in held if len(rows)]

    def set_current(self, table: str, snapshot_id: int, *, expected: int) -> None:
        """Make a snapshot the current one; Conflict if ``expected`` no longer is."""
        self._known(table, snapshot_id)
        stored = self._table(table)
        with self._lock:
            if stored.current != expected:
                raise Conflict(f"table `{table}` is at snapshot {stored.current}, no longer at {expected}")
            stored.current = snapshot_id

    def snapshots(self, table: str) -> Sequence[KeptSnapshot]:
        """Return every snapshot that is kept, the current one last."""
        stored = self._table(table)
        found = [
            KeptSnapshot(commit.snapshot_id, commit.sequence, parent, _arrival(commit), commit.properties)
            for commit, parent, *_ in stored.snapshots.values()
        ]
        return sorted(found, key=lambda one: (one.snapshot_id == stored.current, one.sequence))

    def untag(self, table: str, name: str) -> None:
        """Take a tag away; NotFound if there is none of that name."""
        tags = self._table(table).tags
        if name not in tags:
            raise NotFound(f"table `{table}` has no tag `{name}`{did_you_mean(name, tags)}")
        del tags[name]

    def expire(self, table: str, snapshot_ids: Collection[int]) -> None:
        """Let go of snapshots; Conflict if one of them is current or has a tag."""
        stored = self._table(table)
        protected = {stored.current, *stored.tags.values()} & set(snapshot_ids)
        if protected:
            raise Conflict(f"table `{table}`: snapshots {protected} are current or have a tag")
        for snapshot_id in snapshot_ids:
            del stored.snapshots[snapshot_id]

    def compact(self, table: str, *, at: datetime) -> int:
        """Do nothing: there are no files."""
        del at
        self._table(table)
        return 0

    def remove_unreachable(self, table: str, *, written_before: datetime) -> int:
        """Do nothing: there are no files."""
        del written_before
        self._table(table)
        return 0

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


def _arrival(commit: Commit) -> datetime | None:
    at = commit.properties.get(AT_PROPERTY)
    return None if at is None else datetime.fromisoformat(at)


def _with_ids(commits: Sequence[Commit], ids: Collection[str]) -> Commit | None:
    wanted = set(ids)
    return next((commit for commit in reversed(commits) if wanted & commit.ids), None)
