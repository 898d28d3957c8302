"""Exactly which rows something saw: a snapshot of each table, and a moment; and how people name one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tidemill.canonical import digest_json
from tidemill.datasets.tables import AT_PROPERTY, Commit, History, Tables
from tidemill.errors import NotFound, did_you_mean

LATEST = "latest"
"""The name of the current version of every table."""


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


def find_version(tables: Tables, history: History, table: str, name: str = LATEST) -> Commit:
    """Return the commit a version's name means.

    Parameters
    ----------
    tables, history
        The database.
    table
        The table.
    name
        ``latest``, a tag, a snapshot id, or a moment: an RFC 3339 time, or a day (``2013-03-01``) or month
        (``2013-03``) to its end, in UTC. A moment means the newest commit of the current history whose
        upload had arrived by then.

    Returns
    -------
    Commit
        The version's last commit; by its snapshot id the rows are read.

    Raises
    ------
    NotFound
        If there is no such table, commit or tag.
    """
    if name == LATEST:
        return _newest(tables.commits(table, last=1), table)
    tags = history.tags(table)
    if name in tags:
        return history.history(table, tags[name])[-1]
    if name.isdecimal():
        return history.history(table, int(name))[-1]
    moment = _end_of(name)
    if moment is None:
        raise NotFound(
            f"table `{table}` has no version `{name}`: a version is `{LATEST}`, a snapshot id, a date "
            f"such as 2013-03-01 or a tag{did_you_mean(name, tags)}"
        )
    return _newest_by(moment, tables.commits(table), table, name)


def means_version(name: str) -> bool:
    """Return whether a name means a version without being a tag, so that no tag may be called that.

    Examples
    --------
    >>> [means_version(name) for name in ("latest", "731744122367806077", "2013-03", "spring")]
    [True, True, True, False]
    """
    return name == LATEST or name.isdecimal() or _end_of(name) is not None


def _newest(commits: Sequence[Commit], table: str) -> Commit:
    if not commits:
        raise NotFound(f"table `{table}` has no commit; `tidemill upload {table} FILE` makes the first")
    return commits[-1]


def _newest_by(moment: datetime, commits: Sequence[Commit], table: str, name: str) -> Commit:
    arrived = [commit for commit in commits if _arrived_by(moment, commit)]
    if not arrived:
        first = _newest(commits[:1], table).properties.get(AT_PROPERTY, "at no known time")
        raise NotFound(
            f"table `{table}` has no commit that arrived by {name}: its first arrived {first}; "
            f"`tidemill data log {table}` lists them"
        )
    return arrived[-1]


def _arrived_by(moment: datetime, commit: Commit) -> bool:
    at = commit.properties.get(AT_PROPERTY)
    return at is not None and datetime.fromisoformat(at) <= moment


def _end_of(name: str) -> datetime | None:
    """Return the last moment a date names, None if it names none.

    Examples
    --------
    >>> print(_end_of("2013-02"), _end_of("2013-02-01T12:00:00Z"), _end_of("soon"))
    2013-02-28 23:59:59.999999+00:00 2013-02-01 12:00:00+00:00 None
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}", name):
            middle_of_next = datetime.fromisoformat(f"{name}-15") + timedelta(days=31)
            return middle_of_next.replace(day=1, tzinfo=UTC) - timedelta(microseconds=1)
        moment = datetime.fromisoformat(name)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    is_day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", name) is not None
    return moment + timedelta(days=1, microseconds=-1) if is_day else moment
