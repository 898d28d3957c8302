"""Iceberg's metadata files, which name every snapshot, at the cost of what is new in them.

A commit writes the whole of a table's metadata anew. Three things keep that from growing with the history:
lists that copies share in place of copying them; a compressed stream that goes on where the file before
it left off, for the snapshots stand first in the file and a commit only adds to them; and snapshots that
are checked once, when another writer's file names them again.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import is_
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter
from pyiceberg.exceptions import ValidationError
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.snapshots import Snapshot, SnapshotLogEntry

Item = TypeVar("Item")

GZIPPED_ENDING = ".gz.metadata.json"
"""How Iceberg names metadata that is compressed."""
_LEVEL = 1  # the fastest; others make the file an eighth smaller, in four times the time
_GZIP = 16 + zlib.MAX_WBITS
_GROWING = ("snapshots", "snapshot_log", "metadata_log")
_LOG = TypeAdapter(list[SnapshotLogEntry])


class Shared(list[Item]):
    """A list that is never changed in place, so that a deep copy of what holds it may share it.

    Examples
    --------
    >>> from copy import deepcopy
    >>> history = Shared(["a"])
    >>> deepcopy(history) is history, type(history + ["b"]) is Shared
    (True, True)
    """

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __add__(self, others: Iterable[Item]) -> "Shared[Item]":  # type: ignore[override]  # what is added is shared too
        return Shared(chain(self, others))


def with_shared_history(metadata: TableMetadata) -> TableMetadata:
    """Return metadata equal to the given, whose history copies of it share."""
    return metadata.model_copy(update={name: Shared(getattr(metadata, name)) for name in _GROWING})


class MetadataFiles:
    """The gzipped metadata files of one table, one after another.

    What was compressed for one file is kept for the next, and so are the snapshots it names.
    """

    def __init__(self) -> None:
        self._begin()

    def written(self, metadata: TableMetadata) -> bytes:
        """Return what a metadata file holds.

        Parameters
        ----------
        metadata
            The metadata of the table's next version; any other is right too, and takes longer.
        """
        before, snapshots = self._snapshots, metadata.snapshots
        if len(before) > len(snapshots) or not all(map(is_, before, snapshots)):
            self._begin()
        self._add(snapshots[len(self._snapshots) :])
        rest = metadata.model_dump_json(exclude={"snapshots"}).removeprefix("{")
        end = self._stream.copy()
        return bytes(self._compressed) + end.compress(f"],{rest}".encode()) + end.flush()

    def read(self, content: dict[str, Any]) -> TableMetadata:
        """Return the metadata that a file holds; a snapshot that was written here is the same object.

        Parameters
        ----------
        content
            As ``content_of`` returns it.
        """
        known = {(each.snapshot_id, each.parent_snapshot_id): each for each in self._snapshots}
        snapshots = Shared(
            known.get((each["snapshot-id"], each.get("parent-snapshot-id"))) or Snapshot(**each)
            for each in content.get("snapshots", [])
        )
        log = Shared(_LOG.validate_python(content.get("snapshot-log", [])))
        metadata = TableMetadataUtil.parse_obj({**content, "snapshots": [], "snapshot-log": []})
        return metadata.model_copy(update={"snapshots": snapshots, "snapshot_log": log})

    def _begin(self) -> None:
        self._snapshots: list[Snapshot] = []
        self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._compressed = bytearray(self._stream.compress(b'{"snapshots":['))

    def _add(self, snapshots: Sequence[Snapshot]) -> None:
        for snapshot in snapshots:
            comma = "," if self._snapshots else ""
            self._compressed += self._stream.compress(f"{comma}{snapshot.model_dump_json()}".encode())
            self._snapshots.append(snapshot)


def content_of(data: bytes, location: str) -> dict[str, Any]:
    """Return what a gzipped metadata file says.

    Raises
    ------
    ValidationError
        PyIceberg's, if the file is none.
    """
    try:
        content: dict[str, Any] = json.loads(gzip.decompress(data))
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise ValidationError(f"{location} is no gzipped metadata of Iceberg ({error})") from error
    return content
