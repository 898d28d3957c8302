"""The online store in memory."""

import threading
from collections.abc import Iterable, Mapping

from tidemill.features.online import OnlineItem


class MemoryOnlineStore:
    """An ``OnlineStore`` that forgets when the process ends; safe to share between threads."""

    def __init__(self) -> None:
        self._items: dict[str, OnlineItem] = {}
        self._lock = threading.Lock()

    def get_many(self, keys: Iterable[str]) -> dict[str, OnlineItem]:
        """Return the items there are, by key."""
        return {key: self._items[key] for key in keys if key in self._items}

    def put(self, key: str, value: bytes, *, sequence: int, expires_at: int | None) -> bool:  # noqa: ARG002
        """Write an item unless one of the same or a later sequence is there; tell whether it was written.

        Nothing expires here: the core has no clock to expire by.
        """
        with self._lock:
            stored = self._items.get(key)
            if stored is not None and stored.sequence >= sequence:
                return False
            self._items[key] = OnlineItem(value, sequence)
            return True

    def put_many(self, values: Mapping[str, bytes], *, sequence: int) -> int:
        """Write items of one commit and return how many were written."""
        return sum(self.put(key, value, sequence=sequence, expires_at=None) for key, value in values.items())
