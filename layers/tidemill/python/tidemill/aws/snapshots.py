"""Snapshots of an Iceberg table as commits of ours."""

from collections.abc import Iterator

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot

from tidemill.datasets.tables import Commit
from tidemill.errors import NotFound


def as_commit(snapshot: Snapshot) -> Commit:
    """Return what the library knows of a snapshot."""
    properties = snapshot.summary.additional_properties if snapshot.summary is not None else {}
    return Commit(snapshot.snapshot_id, snapshot.sequence_number or 0, properties)


def lineage(table: Table, snapshot: Snapshot | None, last: int | None = None) -> Iterator[Snapshot]:
    """Yield a snapshot and its ancestors, newest first, in one pass over the metadata."""
    by_id = {each.snapshot_id: each for each in table.snapshots()}
    left = len(by_id) if last is None else last
    while snapshot is not None and left > 0:
        yield snapshot
        left -= 1
        parent = snapshot.parent_snapshot_id
        snapshot = None if parent is None else by_id.get(parent)


def snapshot_of(stored: Table, table: str, snapshot_id: int) -> Snapshot:
    """Return a snapshot by its id; NotFound if it never was, or has expired."""
    snapshot = stored.snapshot_by_id(snapshot_id)
    if snapshot is None:
        raise NotFound(
            f"table `{table}` has no snapshot {snapshot_id}; `tidemill data log {table}` lists them"
        )
    return snapshot
