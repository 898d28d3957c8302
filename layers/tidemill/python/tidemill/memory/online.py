"""The online store in memory."""

import threading
from collections.abc import Collection, Iterable, Mapping

from tidemill.features.online import OnlineItem


class MemoryOnlineStore:
    """An ``OnlineStore`` that forgets when the process ends; safe to share between threads."""

    def __init__(self) -> None:
        self._items: dict[str, OnlineItem] = {}
        self._lock = threading.Lock()

    def get_many(self, keys: Iterable[str], *, consistent: bool = False) -> dict[str, OnlineItem]:  # noqa: ARG002  # the port's
        """Return the items there are, by key; every read here is consistent, and nothing is dropped."""
        return {key: self._items[key] for key in keys if key in self._items}

    def put(self, key: str, item: OnlineItem) -> bool:
        """Write an item unless one of the same or a later sequence is there; tell whether it was written."""
        with self._lock:
            stored = self._items.get(key)
            if stored is not None and stored.sequence >= item.sequence:
                return False
            self._items[key] = item
            return True

    def remove(self, references: Collection[str]) -> int:
        """Remove every item that lies under one of some references, and return how many."""
        with self._lock:
            keys = [key for key in self._items if "#" in key and key.partition("#")[0] in references]
            for key in keys:
                del self._items[key]
            return len(keys)

    def put_many(self, items: Mapping[str, OnlineItem]) -> int:
        """Write items and return how many were written."""
        return sum(self.put(key, item) for key, item in items.items())
