"""Ports for removing what nothing needs any more, which only the upkeep may."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol


class ItemRemoval(Protocol):
    """Removes items of the online store."""

    def remove(self, references: Collection[str]) -> int:
        """Remove every item that lies under one of some references, and return how many.

        A reference is ``view@version``, or ``view@version~2`` for a generation; what lies under the one
        is nothing of the other. The pointers of views stay.
        """
        ...


class BlobRemoval(Protocol):
    """Removes blobs of one bucket."""

    def remove(self, prefix: str, *, keep: Collection[str], written_before: datetime) -> int:
        """Remove what lies below a prefix under other keys than some; return how many blobs.

        Only what was written before a moment is removed: a blob that is written again meanwhile stays.
        """
        ...
