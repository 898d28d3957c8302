"""What the library needs from the outside world, as Protocols.

Each port has two implementations, ``tidemill.memory`` and ``tidemill.aws``, and one contract
suite under ``tests/contracts`` that both pass. Iceberg tables and the online store have ports of
their own beside their domain code (``datasets/tables.py``, ``features/online.py``).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple, Protocol


class BlobInfo(NamedTuple):
    """A stored blob: its key, size in bytes, and the store's version id of it."""

    key: str
    size_bytes: int
    version: str


class Blobs(Protocol):
    """Files in one bucket. Keys are paths with ``/``; values are bytes."""

    def get(self, key: str, *, version: str | None = None) -> bytes:
        """Return a blob's bytes; NotFound if there is none."""
        ...

    def open(self, key: str, *, version: str | None = None) -> BinaryIO:
        """Open a blob to be read in order, without holding it in memory; NotFound if there is none."""
        ...

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> BlobInfo:
        """Store bytes under a key, replacing what was there."""
        ...

    def info(self, key: str) -> BlobInfo | None:
        """Return what is stored under a key, or None."""
        ...

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Yield every blob whose key starts with the prefix, in key order."""
        ...


class Documents(Protocol):
    """Small JSON documents in one table, addressed by (partition, sort), each with a revision.

    A document is plain JSON data. The store keeps a ``revision`` beside it, 1 for a new document
    and one more at each write, which makes every update conditional.
    """

    def get(self, partition: str, sort: str) -> tuple[dict[str, Any], int] | None:
        """Return (document, revision), strongly consistent, or None."""
        ...

    def get_many(self, partition: str, sorts: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return by sort those of some documents of a partition that there are, strongly consistent."""
        ...

    def put(
        self,
        partition: str,
        sort: str,
        document: Mapping[str, Any],
        *,
        revision: int | None = None,
        expires_at: int | None = None,
    ) -> int:
        """Write a document and return its new revision.

        ``revision`` is the one the writer read: 0 means "there must be none"; None writes whatever
        is there. Conflict if it does not match the stored one. From ``expires_at`` on, in seconds since
        1970, the store may drop the document; None keeps it, also one that was to expire before.
        """
        ...

    def query(
        self, partition: str, prefix: str = "", *, descending: bool = False, limit: int | None = None
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return (sort, document) of a partition whose sort starts with the prefix, in sort order."""
        ...

    def delete(self, partition: str, sort: str) -> None:
        """Remove a document; removing one that is not there is no error."""
        ...


class Events(Protocol):
    """The event bus the parts of the system hear each other on."""

    def publish(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Send one event, such as ``CommitCreated``; it is delivered at least once."""
        ...
