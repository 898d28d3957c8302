"""Snapshots of an Iceberg table as commits of ours.

A commit is a snapshot that appended. The others, which compaction makes, hold the rows of the commit
before them in other files, and are no part of what the library calls history.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator

from pyiceberg.table import FileScanTask, Table
from pyiceberg.table.snapshots import Operation, Snapshot

from tidemill.datasets.tables import Commit
from tidemill.errors import NotFound


def as_commit(snapshot: Snapshot) -> Commit:
    """Return what the library knows of a snapshot."""
    properties = snapshot.summary.additional_properties if snapshot.summary is not None else {}
    return Commit(snapshot.snapshot_id, snapshot.sequence_number or 0, properties)


def is_commit(snapshot: Snapshot) -> bool:
    """Return whether a snapshot appended rows; one that only moved them between files did not."""
    return snapshot.summary is not None and snapshot.summary.operation is Operation.APPEND


def commits_to(table: Table, snapshot: Snapshot | None) -> Iterator[Snapshot]:
    """Yield the commits that led to a snapshot, newest first; itself is the first if it is one."""
    return filter(is_commit, lineage(table, snapshot))


def lineage(table: Table, snapshot: Snapshot | None) -> Iterator[Snapshot]:
    """Yield a snapshot and its ancestors that are kept, newest first, in one pass over the metadata."""
    by_id = {each.snapshot_id: each for each in table.snapshots()}
    while snapshot is not None:
        yield snapshot
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else by_id.get(parent)


def files_of(table: Table, snapshot: Snapshot) -> Iterable[FileScanTask]:
    """Plan a snapshot's files; a compacted version of it that is current is read in its place."""
    current = table.current_snapshot()
    if next(commits_to(table, current), None) == snapshot and current is not None:
        snapshot = current
    return table.scan(snapshot_id=snapshot.snapshot_id).plan_files()


def files_added_by(table: Table, snapshot: Snapshot) -> Iterable[FileScanTask]:
    """Plan the files a commit added; of the oldest that is kept, all it holds."""
    before = next(itertools.islice(commits_to(table, snapshot), 1, None), None)
    if before is None:
        return files_of(table, snapshot)
    return table.incremental_append_scan(
        from_snapshot_id_exclusive=before.snapshot_id, to_snapshot_id_inclusive=snapshot.snapshot_id
    ).plan_files()


def files_added_since(table: Table, name: str, snapshot: Snapshot, since: int) -> Iterable[FileScanTask]:
    """Plan the files that commits added after another one; NotFound if that is no longer in the history."""
    if all(each.snapshot_id != since for each in commits_to(table, snapshot)):
        raise NotFound(
            f"table `{name}`: snapshot {since} has expired or was taken back, so what came since can not "
            f"be told; `tidemill data log {name}` lists what is kept"
        )
    if snapshot.snapshot_id == since:
        return []
    return table.incremental_append_scan(
        from_snapshot_id_exclusive=since, to_snapshot_id_inclusive=snapshot.snapshot_id
    ).plan_files()


def snapshot_of(stored: Table, table: str, snapshot_id: int) -> Snapshot:
    """Return a snapshot by its id; NotFound if it never was, or has expired."""
    snapshot = stored.snapshot_by_id(snapshot_id)
    if snapshot is None:
        raise NotFound(
            f"table `{table}` has no snapshot {snapshot_id}; `tidemill data log {table}` lists them"
        )
    return snapshot


class CommitIds:
    """Which commit of one table's history was made for an id, without a look at all of them each time."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self._snapshots: dict[str, int] = {}

    def find(self, table: Table, ids: Collection[str]) -> Commit | None:
        """Return the commit in the current history that was made for one of some ids, or None.

        Parameters
        ----------
        table
            The same at every call, in any of its versions.
        ids
            What is looked for.
        """
        self._follow(table)
        found = (self._snapshots[each] for each in ids if each in self._snapshots)
        snapshot = next(filter(None, map(table.snapshot_by_id, found)), None)  # None for one that expired
        return None if snapshot is None else as_commit(snapshot)

    def _follow(self, table: Table) -> None:
        """Take in what has been committed since the newest commit that is known, or, without it, all."""
        unknown = []
        for snapshot in commits_to(table, table.current_snapshot()):
            if snapshot.snapshot_id == self._newest:
                break
            unknown.append(as_commit(snapshot))
        else:
            self._snapshots.clear()  # rolled back, or new here
            self._newest = None
        for commit in reversed(unknown):
            self._snapshots |= dict.fromkeys(commit.ids, commit.snapshot_id)
            self._newest = commit.snapshot_id
