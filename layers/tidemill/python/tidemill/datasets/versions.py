"""Exactly which rows something saw: a snapshot of each table, and a moment."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tidemill.canonical import digest_json


@dataclass(frozen=True)
class DatasetVersion:
    """A set of (table, snapshot) and a cutoff; what became known after the cutoff is not part of it.

    Attributes
    ----------
    snapshots
        The snapshot id of each table.
    cutoff
        The moment as of which the rows are seen.

    Examples
    --------
    >>> version = DatasetVersion({"flights": 7}, datetime(2013, 3, 1, tzinfo=UTC))
    >>> DatasetVersion.from_json(version.to_json()) == version
    True
    """

    snapshots: dict[str, int]
    cutoff: datetime

    @property
    def digest(self) -> str:
        """The digest of the version; equal versions have equal digests."""
        return digest_json(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return the version as plain data; snapshot ids are text, for they exceed what JavaScript counts."""
        return {
            "snapshots": {table: str(snapshot) for table, snapshot in sorted(self.snapshots.items())},
            "cutoff": self.cutoff.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "DatasetVersion":
        """Read a version as ``to_json`` writes it."""
        snapshots = {table: int(snapshot) for table, snapshot in data["snapshots"].items()}
        return cls(snapshots, datetime.fromisoformat(data["cutoff"]))
