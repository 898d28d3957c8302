"""When S3's lifecycle rules end objects, versions and uploads: the rules, without clocks or buckets.

A time is a number of days after an object was made, or after a version was followed by another, rounded to
the next midnight in UTC.
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Version:
    """One version of an object, or a delete marker."""

    id: str | None
    modified: datetime
    is_marker: bool
    size: int = 0
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Ending:
    """When something ends: a current object, or for good the version that is named."""

    due: datetime
    version_id: str | None


@dataclass(frozen=True)
class Rule:
    """One rule that is enabled; sizes in bytes, times in days."""

    prefix: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    larger_than: int = -1
    smaller_than: int | None = None
    days: int | None = None
    date: datetime | None = None
    ends_markers: bool = False
    noncurrent_days: int | None = None
    newer_kept: int = 0
    upload_days: int | None = None

    def takes(self, key: str, version: Version) -> bool:
        """Say whether the rule is about an object's version; markers have neither tags nor size."""
        if not key.startswith(self.prefix):
            return False
        if version.is_marker:
            return not self.tags
        fits = self.smaller_than is None or version.size < self.smaller_than
        return fits and version.size > self.larger_than and set(self.tags) <= set(version.tags)

    def endings(self, key: str, versions: Sequence[Version]) -> Iterator[Ending]:
        """List what ends of one object.

        Parameters
        ----------
        key
            Name of the object.
        versions
            The oldest first; the last is current.

        Yields
        ------
        Ending
            Each with its time, which may be past.
        """
        current = versions[-1]
        if self.takes(key, current):
            yield from self._ending_of(current, alone=len(versions) == 1)
        if self.noncurrent_days is None:
            return
        for place in range(len(versions) - 1 - self.newer_kept):
            if self.takes(key, versions[place]):
                due = midnight_after(versions[place + 1].modified, self.noncurrent_days)
                yield Ending(due, versions[place].id)

    def _ending_of(self, current: Version, *, alone: bool) -> Iterator[Ending]:
        if current.is_marker:
            if alone and (self.ends_markers or self.days is not None):
                yield Ending(midnight_after(current.modified, self.days or 0), current.id)
        elif self.date is not None:
            yield Ending(self.date, None)
        elif self.days is not None:
            yield Ending(midnight_after(current.modified, self.days), None)

    def soonest(self, now: datetime) -> datetime | None:
        """Give a time before which nothing ends that is written now; None when nothing ever does."""
        days = [each for each in (self.days, self.noncurrent_days, self.upload_days) if each is not None]
        if self.ends_markers:
            days.append(0)
        dues = [midnight_after(now, min(days))] if days else []
        return min([*dues, *([] if self.date is None else [max(self.date, now)])], default=None)


def midnight_after(moment: datetime, days: int) -> datetime:
    """Add days and round to the next midnight in UTC.

    Parameters
    ----------
    moment
        With a time zone.
    days
        To be added.

    Examples
    --------
    >>> midnight_after(datetime(2014, 1, 15, 10, 30, tzinfo=UTC), 3).isoformat()
    '2014-01-19T00:00:00+00:00'
    """
    day = moment.astimezone(UTC) + timedelta(days=days)
    return day.replace(hour=0, minute=0, second=0, microsecond=0) + _DAY


def read_rules(given: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Read the rules of ``PutBucketLifecycleConfiguration`` that are enabled.

    Parameters
    ----------
    given
        As the API's XML has them, numbers as text.

    Returns
    -------
    tuple of Rule
        Transitions between storage classes are left out: they end nothing.
    """
    return tuple(_read(rule) for rule in given if rule["Status"] == "Enabled")


def _read(given: Mapping[str, Any]) -> Rule:
    filtered: Mapping[str, Any] = given.get("Filter") or {}
    filtered = filtered.get("And") or filtered
    expiration = given.get("Expiration") or {}
    noncurrent = given.get("NoncurrentVersionExpiration") or {}
    uploads = given.get("AbortIncompleteMultipartUpload") or {}
    larger = _number(filtered, "ObjectSizeGreaterThan")
    date = expiration.get("Date")
    return Rule(
        prefix=filtered.get("Prefix") or given.get("Prefix") or "",
        tags=tuple((tag["Key"], tag.get("Value") or "") for tag in _listed(filtered.get("Tag"))),
        larger_than=-1 if larger is None else larger,
        smaller_than=_number(filtered, "ObjectSizeLessThan"),
        days=_number(expiration, "Days"),
        date=datetime.fromisoformat(date).astimezone(UTC) if date else None,
        ends_markers=str(expiration.get("ExpiredObjectDeleteMarker")).lower() == "true",
        noncurrent_days=_number(noncurrent, "NoncurrentDays"),
        newer_kept=_number(noncurrent, "NewerNoncurrentVersions") or 0,
        upload_days=_number(uploads, "DaysAfterInitiation"),
    )


def _number(given: Mapping[str, Any], name: str) -> int | None:
    return int(given[name]) if given.get(name) is not None else None


def _listed(given: Any) -> list[Any]:
    if given is None:
        return []
    return given if isinstance(given, list) else [given]
