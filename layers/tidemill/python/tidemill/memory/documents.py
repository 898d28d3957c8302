"""Documents in a dictionary, kept as the JSON they would be stored as."""

import json
import threading
from collections.abc import Collection, Mapping
from typing import Any

from tidemill.canonical import canonical_json
from tidemill.errors import Conflict


class MemoryDocuments:
    """One table of JSON documents; writes are atomic between threads, as a conditional write is."""

    def __init__(self) -> None:
        self._items: dict[tuple[str, str], tuple[bytes, int]] = {}
        self._lock = threading.Lock()

    def get(self, partition: str, sort: str) -> tuple[dict[str, Any], int] | None:
        """Return (document, revision), or None."""
        item = self._items.get((partition, sort))
        return None if item is None else (json.loads(item[0]), item[1])

    def get_many(self, partition: str, sorts: Collection[str]) -> dict[str, dict[str, Any]]:
        """Return by sort those of some documents of a partition that there are."""
        found = {sort: self.get(partition, sort) for sort in sorts}
        return {sort: stored[0] for sort, stored in found.items() if stored is not None}

    def put(
        self,
        partition: str,
        sort: str,
        document: Mapping[str, Any],
        *,
        revision: int | None = None,
        expires_at: int | None = None,  # noqa: ARG002  # the port's; nothing is dropped here
    ) -> int:
        """Write a document and return its new revision; Conflict on a stale one."""
        encoded = canonical_json(dict(document))
        with self._lock:
            _, stored = self._items.get((partition, sort), (b"", 0))
            if revision is not None and revision != stored:
                raise Conflict(
                    f"document {partition} / {sort} is at another revision than {revision}; read it again"
                )
            self._items[partition, sort] = (encoded, stored + 1)
            return stored + 1

    def query(
        self, partition: str, prefix: str = "", *, descending: bool = False, limit: int | None = None
    ) -> list[tuple[str, dict[str, Any]]]:
        """Return (sort, document) of a partition whose sort starts with the prefix, in sort order."""
        # UTF-8 byte order, which is how DynamoDB orders sort keys
        sorts = sorted(
            (sort for part, sort in self._items if part == partition and sort.startswith(prefix)),
            key=str.encode,
            reverse=descending,
        )
        return [(sort, json.loads(self._items[partition, sort][0])) for sort in sorts[:limit]]

    def delete(self, partition: str, sort: str) -> None:
        """Remove a document; removing one that is not there is no error."""
        with self._lock:
            self._items.pop((partition, sort), None)
