"""Which keys the commits of a table hold, as sorted hashes beside it: eight bytes a row, not its columns.

A commit's properties name the runs that hold the keys of all rows up to it, so that the index is
exactly as old as the table, also after a rollback. Runs are merged as they grow: a table of a
million commits has twenty.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from tidemill.canonical import digest_bytes
from tidemill.datasets.hashes import Hashes, hash_rows
from tidemill.datasets.seen_rows import SeenRows
from tidemill.datasets.tables import Commit, KeptSnapshot, PartReader, TablesInParts
from tidemill.errors import NotFound
from tidemill.ports import Blobs
from tidemill.project import Project, Source
from tidemill.project.checks import References, Unique

_PROPERTY = "tidemill.keys."
_ENDING = ".u64"
_ROWS_AT_ONCE = 65_536
_LONGEST_RUN = 2_097_152  # hashes; runs are stored, and come back, one by one as a whole


class KeyIndex:
    """The keys of a source's commits, for its checks of uniqueness across commits.

    Parameters
    ----------
    project, source
        Whose.
    tables
        Read, file by file, where the newest commit was made before the check was declared.
    blobs
        The data bucket, where runs lie under ``keys/``.
    """

    def __init__(self, project: Project, source: Source, *, tables: TablesInParts, blobs: Blobs) -> None:
        self._source = source
        self._tables = tables
        self._blobs = blobs
        self._folder = runs_folder(project.name, source.name)
        self._named: set[str] = set()
        self.checks = [
            each for each in source.row_checks if isinstance(each, Unique) and each.across == "commits"
        ]

    def load(self) -> dict[Unique, SeenRows]:
        """Return the keys of the current history, for each check."""
        if not self.checks:
            return {}
        newest = self._tables.commits(self._source.name, last=1)
        return {
            check: SeenRows(
                (run for commit in newest for run in self._runs(check, commit)), longest=_LONGEST_RUN
            )
            for check in self.checks
        }

    def save(self, seen: Mapping[Unique, SeenRows]) -> dict[str, str]:
        """Store runs that no commit names yet, and return the properties of the commit that will.

        A run that is there but not named may be about to be removed; written again, it stays.
        """
        properties = {}
        for check in self.checks:
            names = []
            for run in seen[check].runs:
                data = run.to_bytes()
                names.append(digest_bytes(data))
                if names[-1] not in self._named:
                    self._blobs.put(f"{self._folder}{names[-1]}{_ENDING}", data)
            properties[self._property(check)] = " ".join(names)
        return properties

    def _runs(self, check: Unique, newest: Commit) -> Iterator[Hashes]:
        """Yield the runs of the history one by one: large ones are moved out of memory as they come."""
        named = newest.properties.get(self._property(check))
        if named is None:
            return _stored_hashes(self._tables, self._source.name, newest.snapshot_id, check.columns)
        return map(self._run, named.split())

    def _run(self, name: str) -> Hashes:
        self._named.add(name)
        return np.frombuffer(self._blobs.get(f"{self._folder}{name}{_ENDING}"), "<u8")

    def _property(self, check: Unique) -> str:
        """Name runs by their columns and types: of another type, a value hashes otherwise."""
        columns = (f"{name}:{self._source.schema[name].value}" for name in check.columns)
        return f"{_PROPERTY}{','.join(columns)}"


def runs_folder(project: str, source: str) -> str:
    """Return the prefix below which the runs of a source lie in the data bucket."""
    return f"keys/{project}/{source}/"


def key_runs(project: str, source: str, snapshots: Iterable[KeptSnapshot]) -> set[str]:
    """Return where the runs lie that snapshots name.

    Examples
    --------
    >>> snapshot = KeptSnapshot(7, 1, None, None, {"tidemill.keys.id:string": "a b", "tidemill.rows": "2"})
    >>> sorted(key_runs("bikes", "trips", [snapshot]))
    ['keys/bikes/trips/a.u64', 'keys/bikes/trips/b.u64']
    """
    return {
        f"{runs_folder(project, source)}{run}{_ENDING}"
        for snapshot in snapshots
        for name, runs in snapshot.properties.items()
        if name.startswith(_PROPERTY)
        for run in runs.split()
    }


def referenced_keys(source: Source, tables: TablesInParts) -> dict[References, SeenRows]:
    """Return the keys that other sources have by now, for each check of references.

    Parameters
    ----------
    source
        Whose checks.
    tables
        The key columns of the sources that are referred to are read, file by file.

    Returns
    -------
    dict[References, SeenRows]
        Empty sets where the other source has no commits.
    """
    return {
        check: SeenRows(_keys_of(check.target, tables))
        for check in source.row_checks
        if isinstance(check, References)
    }


def _keys_of(source: Source, tables: TablesInParts) -> Iterator[Hashes]:
    try:
        newest = tables.commits(source.name, last=1)
    except NotFound:  # no upload yet
        return
    for commit in newest:
        yield from _stored_hashes(tables, source.name, commit.snapshot_id, source.key)


def _stored_hashes(
    tables: PartReader, table: str, snapshot_id: int, columns: Sequence[str]
) -> Iterator[Hashes]:
    """Yield the sorted hashes of a version's rows, those of each file by themselves."""
    for part in tables.parts(table, snapshot_id=snapshot_id, columns=columns).tables:
        hashes = [
            hash_rows([batch.column(name) for name in columns])
            for batch in part.to_batches(max_chunksize=_ROWS_AT_ONCE)
            if batch.num_rows
        ]
        yield np.unique(np.concatenate([np.empty(0, np.uint64), *hashes]))
        pa.default_memory_pool().release_unused()  # what reading took: the upload needs as much
