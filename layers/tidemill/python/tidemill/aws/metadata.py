"""Iceberg's metadata files, which name every snapshot, written at the cost of what is new in them.

A commit writes the whole of a table's metadata anew. Two things keep that from growing with the history:
lists that copies share in place of copying them, and a compressed stream that goes on where the file
before it left off: the snapshots stand first in the file, and a commit only adds to them.
"""

import zlib
from collections.abc import Iterable, Sequence
from itertools import chain
from operator import is_
from typing import Any, Self, TypeVar

from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.snapshots import Snapshot

Item = TypeVar("Item")

_LEVEL = 1  # the fastest; others make the file an eighth smaller, in four times the time
_GZIP = 16 + zlib.MAX_WBITS
_GROWING = ("snapshots", "snapshot_log", "metadata_log")


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


class MetadataStream:
    """The metadata files of one table, one after another, as gzipped JSON.

    What was compressed for one file is kept for the next.
    """

    def __init__(self) -> None:
        self._begin()

    def file_of(self, metadata: TableMetadata) -> bytes:
        """Return what a metadata file holds.

        Parameters
        ----------
        metadata
            The metadata of the table's next version; any other is right too, and takes longer.
        """
        done = len(self._snapshots)
        if not all(map(is_, self._snapshots, metadata.snapshots)) or done > len(metadata.snapshots):
            self._begin()
        self._add(metadata.snapshots[len(self._snapshots) :])
        rest = metadata.model_dump_json(exclude={"snapshots"}).removeprefix("{")
        end = self._stream.copy()
        return bytes(self._compressed) + end.compress(f"],{rest}".encode()) + end.flush()

    def _begin(self) -> None:
        self._snapshots: list[Snapshot] = []
        self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._compressed = bytearray(self._stream.compress(b'{"snapshots":['))

    def _add(self, snapshots: Sequence[Snapshot]) -> None:
        for snapshot in snapshots:
            comma = "," if self._snapshots else ""
            self._compressed += self._stream.compress(f"{comma}{snapshot.model_dump_json()}".encode())
            self._snapshots.append(snapshot)
