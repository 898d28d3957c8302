"""The rows of sources at given versions, read when they are asked for."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa

from tidemill.datasets.arrow import gather_columns
from tidemill.datasets.evolution import as_defined
from tidemill.datasets.tables import PartReader
from tidemill.expressions import Columns, Schema

_KEPT = 2  # the two that are joined, or one of them and the one that is read meanwhile


def _nothing(_: str, __: int, ___: int) -> None:
    """Tell nobody."""


class StoredRows(Mapping[str, Columns]):
    """Rows by the name of their source; of many sources two are in memory.

    ``join_features`` joins two views at a time: in the order of its views, each source is read once for
    views that follow each other.

    Parameters
    ----------
    tables
        Where they are read, file by file.
    snapshots
        The version of each source, as a snapshot id.
    schemas
        The columns wanted of each source, by any name and type they had.
    told
        Told the source, how many of its files are read and how many there are, after each.
    """

    def __init__(
        self,
        tables: PartReader,
        snapshots: Mapping[str, int],
        schemas: Mapping[str, Schema],
        *,
        told: Callable[[str, int, int], None] = _nothing,
    ) -> None:
        self._tables = tables
        self._snapshots = snapshots
        self._schemas = schemas
        self._told = told
        self._kept: OrderedDict[str, Columns] = OrderedDict()
        self._lock = threading.Lock()

    def by(self, schemas: Mapping[str, Schema]) -> "StoredRows":
        """Return what reads the same versions by other schemas: these rows, if they have all that is wanted.

        Otherwise these are let go of, and read again should they be asked for.
        """
        if all(schema.items() <= self._schemas.get(name, {}).items() for name, schema in schemas.items()):
            return self
        with self._lock:
            self._kept.clear()
        return StoredRows(self._tables, self._snapshots, schemas, told=self._told)

    def __getitem__(self, source: str) -> Columns:
        """Return a source's rows; KeyError for one that is not among them."""
        with self._lock:
            if source not in self._kept:
                while len(self._kept) >= _KEPT:
                    self._kept.popitem(last=False)
                self._kept[source] = self._read(source)
            self._kept.move_to_end(source)
            return self._kept[source]

    def __contains__(self, source: object) -> bool:
        """Say whether a source is among them, without reading it."""
        return source in self._schemas

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the sources."""
        return iter(self._schemas)

    def __len__(self) -> int:
        """Return the number of sources."""
        return len(self._schemas)

    def _read(self, source: str) -> Columns:
        schema = self._schemas[source]
        parts = self._tables.parts(source, snapshot_id=self._snapshots[source], columns=list(schema))

        def tables() -> Iterator[pa.Table]:
            for done, part in enumerate(parts.tables, start=1):
                yield as_defined(part, schema)
                self._told(source, done, parts.files)

        return gather_columns(tables(), schema, parts.rows)
