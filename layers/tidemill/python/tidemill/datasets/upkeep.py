"""Keeping tables small without touching a version that anything needs.

A commit costs by the number of snapshots its table keeps, and reading by the number of files. So, once a
week, small files are written together, snapshots nothing needs any more are let go of, and then the files
that no snapshot names. Kept are:

- what a registered model was trained on, and whatever has a tag;
- the newest commits, up to ``KEPT_COMMITS`` of them and ``KEPT_DAYS`` old, but never fewer than
  ``FEWEST_COMMITS``: among them the ids by which an upload or message that comes again is known;
- every commit after the one to which all views have come, and those a view is being filled from: they are
  still to be brought to the online store.

What is kept of the history is one piece: its oldest commit stands for all that were before it. Before a
commit expires, what it was made for is written down (``expired_ids.py``). Items of views that nobody
needs any more hold nothing up, and are removed (``retirement.py``).
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from tidemill.datasets.backfill import Executions, start_missing
from tidemill.datasets.expired_ids import Write, settled, write_ids, write_upload
from tidemill.datasets.key_index import key_runs, runs_folder
from tidemill.datasets.predictions import predictions_table
from tidemill.datasets.removal import BlobRemoval
from tidemill.datasets.retirement import Retirement
from tidemill.datasets.tables import Commit, History, KeptSnapshot, Tables, Upkeep
from tidemill.datasets.watermarks import rollbacks_of, watermarks_of
from tidemill.errors import NotFound, PlatformError
from tidemill.ports import Documents
from tidemill.project import Project
from tidemill.registry.versions import list_models, list_versions

KEPT_DAYS = 30
KEPT_COMMITS = 1_000
FEWEST_COMMITS = 20
ORPHAN_DAYS = 3
"""How old a file must be before it can not belong to a commit that is still being made."""


@dataclass(frozen=True)
class Kept:
    """What the upkeep of one table came to.

    Attributes
    ----------
    table
        Its name.
    expired
        Snapshots let go of.
    compacted
        Files written together.
    removed
        Files removed, of the table and of the index of its keys.
    items
        Items of the online store removed, of views that nobody needs.
    """

    table: str
    expired: int
    compacted: int
    removed: int
    items: int

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Housekeeping:
    """Keeps the tables of a project.

    Attributes
    ----------
    project
        Whose sources and models have tables.
    tables, history, upkeep
        The database.
    documents
        Where models are registered, and how far each view has come.
    retirement
        Lets go of what nobody needs of views.
    blobs
        Removes files of the data bucket.
    executions
        Of the state machine that fills views.
    """

    project: Project
    tables: Tables
    history: History
    upkeep: Upkeep
    documents: Documents
    retirement: Retirement
    blobs: BlobRemoval
    executions: Executions

    def keep_all(self, at: datetime) -> list[Kept]:
        """Keep every table: those of the sources, and of the models' predictions; see ``keep``.

        Returns
        -------
        list of Kept
            What was done, by table; those that nothing was ever written to are left out.

        Raises
        ------
        PlatformError
            The first failure, after every table had its turn; the same call again is safe.
        """
        names = [source.name for source in self.project.sources]
        names += [predictions_table(model.name) for model in self.project.models]
        done: list[Kept] = []
        failures: list[PlatformError] = []
        for name in names:
            try:
                done.append(self.keep(name, at))
            except NotFound:
                continue
            except PlatformError as error:  # one busy table must not keep the others from their upkeep
                failures.append(error)
        if failures:
            raise failures[0]
        return done

    def keep(self, table: str, at: datetime) -> Kept:
        """Compact a table, let old snapshots go, and remove what nothing needs any more.

        Views of the table that are needed and were never filled, or hold what is gone, are asked for.

        Parameters
        ----------
        table
            The table.
        at
            The moment of the upkeep.

        Returns
        -------
        Kept
            What was done. Commits expire in the call after the one that wrote down what they were made for.

        Raises
        ------
        NotFound
            If there is no such table.
        """
        is_source = table in {source.name for source in self.project.sources}
        compacted = self.upkeep.compact(table, at=at)
        items = self._keep_views(table, at) if is_source else 0
        expired = self._expire(table, at, is_source=is_source)
        written_before = at - timedelta(days=ORPHAN_DAYS)
        removed = self.upkeep.remove_unreachable(table, written_before=written_before)
        if is_source:
            removed += self.blobs.remove(
                runs_folder(self.project.name, table),
                keep=key_runs(self.project.name, table, self.upkeep.snapshots(table)),
                written_before=written_before,
            )
        return Kept(table, expired, compacted, removed, items)

    def _keep_views(self, source: str, at: datetime) -> int:
        retirement = self.retirement
        removed = retirement.retire(source, at)
        views = retirement.views(source)
        start_missing(
            self.executions, views, tables=self.tables, documents=self.documents, store=retirement.store
        )
        return removed

    def _expire(self, table: str, at: datetime, *, is_source: bool) -> int:
        commits = self.tables.commits(table)
        unneeded = expirable(
            self.upkeep.snapshots(table),
            commits,
            needed={*self.history.tags(table).values(), *trained_on(self.documents, table)},
            progress=view_progress(self.documents, table),
            at=at,
        )
        to_go = set(unneeded)
        until = settled(
            self.documents,
            table,
            [commit for commit in commits if commit.snapshot_id in to_go],
            rollbacks=rollbacks_of(self.documents, table),
            at=at,
            write=self._write(table, at, is_source=is_source),
        )
        waiting = {commit.snapshot_id for commit in commits if commit.sequence > until}
        expired = [each for each in unneeded if each not in waiting]
        self.upkeep.expire(table, expired)
        return len(expired)

    def _write(self, table: str, at: datetime, *, is_source: bool) -> Write:
        if is_source:
            return write_upload(self.documents, self.project.name, table)
        return write_ids(self.documents, table, at)


def expirable(
    snapshots: Sequence[KeptSnapshot],
    commits: Sequence[Commit],
    *,
    needed: Collection[int],
    progress: Iterable[int],
    at: datetime,
) -> list[int]:
    """Return the snapshots that nothing needs any more.

    Parameters
    ----------
    snapshots
        All that are kept, the current one last.
    commits
        The history, oldest first.
    needed
        Snapshots that have a tag, or that a registered model was trained on.
    progress
        The sequence to which each view has come.
    at
        Now.

    Returns
    -------
    list of int
        Their ids, oldest first.
    """
    if not snapshots:
        return []
    by_id = {snapshot.snapshot_id: snapshot for snapshot in snapshots}
    oldest = _oldest_kept(commits, by_id, progress, at - timedelta(days=KEPT_DAYS))
    kept = set(needed)
    snapshot: KeptSnapshot | None = snapshots[-1]
    while snapshot is not None and snapshot.sequence >= oldest:
        kept.add(snapshot.snapshot_id)
        snapshot = by_id.get(snapshot.parent) if snapshot.parent is not None else None
    young = {each.snapshot_id for each in snapshots if not _is_before(each, at - timedelta(days=KEPT_DAYS))}
    in_history = {commit.snapshot_id for commit in commits}
    kept |= young - in_history  # commits taken back a moment ago may be wanted again
    return [each.snapshot_id for each in snapshots if each.snapshot_id not in kept]


def trained_on(documents: Documents, table: str) -> set[int]:
    """Return the snapshots of a table that registered models were trained on."""
    found = set()
    for model in list_models(documents):
        for version in list_versions(documents, model):
            snapshot = version.lineage.get("dataset", {}).get("snapshots", {}).get(table)
            if snapshot is not None:
                found.add(int(snapshot))
    return found


def view_progress(documents: Documents, source: str) -> list[int]:
    """Return which commit each view of a source that somebody needs can not do without, by sequence."""
    needs = (mark.needs for mark in watermarks_of(documents, source).values())
    return [sequence for sequence in needs if sequence is not None]


def _oldest_kept(
    commits: Sequence[Commit], by_id: dict[int, KeptSnapshot], progress: Iterable[int], before: datetime
) -> int:
    """Return the sequence of the oldest commit that stays; 0 if all do."""
    old = [commit for commit in commits if _is_before(by_id[commit.snapshot_id], before)]
    first = max(min(len(old), len(commits) - FEWEST_COMMITS), len(commits) - KEPT_COMMITS, 0)
    if first == 0:
        return 0
    floor = min(progress, default=None)
    reached = [each.sequence for each in commits[: first + 1] if floor is None or each.sequence <= floor]
    return reached[-1] if reached else 0


def _is_before(snapshot: KeptSnapshot, moment: datetime) -> bool:
    return snapshot.at is not None and snapshot.at < moment
