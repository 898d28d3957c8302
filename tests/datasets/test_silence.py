"""A source that falls silent is noticed by whoever looks, told of once, and heard of again by itself."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from tidemill import Float, Model, Observations, Project, Source, String, TimeSplit, Timestamp, col, freshness
from tidemill.datasets.arrow import arrow_schema
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.silence import (
    accept_silence,
    blocking_silence,
    look_for_silence,
    silence_of,
    silences_told,
    sources_to_watch,
)
from tidemill.datasets.tables import AT_PROPERTY
from tidemill.datasets.uploads import Upload
from tidemill.project.checks import Severity


def day(number: int) -> datetime:
    """Return the beginning of a day in January."""
    return datetime(2013, 1, number, tzinfo=UTC)


def docks(**severities: Severity) -> Source:
    """Declare a source and how fresh it is to be, such as ``d2="warn"``."""
    checks = [freshness(f"{name[1:]}d", severity=each) for name, each in severities.items()]
    schema = {"dock": String, "bikes": Float, "seen_at": Timestamp}
    return Source("docks", schema, key=["dock"], timestamp="seen_at", checks=checks)


class Watched:
    """A source in a cloud in memory, and the looks at it."""

    def __init__(self, cloud: Any, source: Source) -> None:
        self.cloud = cloud
        self.source = source
        self._at: list[datetime] = []

    def bring(self, *newest: str, at: datetime) -> Any:
        """Upload rows of some moments."""
        self._at.append(at)
        text = "dock,bikes,seen_at\n" + "".join(f"d{n},1,{when}\n" for n, when in enumerate(newest))
        upload = self.cloud.put(
            text.encode() + b"x,%d,%s\n" % (len(self._at), newest[0].encode()), source="docks"
        )
        return ingest_upload(
            Upload(upload.bucket, upload.key, upload.version, at),
            project=Project("bikes", sources=[self.source], models=[]),
            blobs=self.cloud.blobs,
            tables=self.cloud.tables,
            documents=self.cloud.documents,
            events=self.cloud.events,
        )

    def look(self, at: datetime) -> Sequence[dict[str, Any]]:
        """Look for silence."""
        cloud = self.cloud
        return look_for_silence(
            "bikes",
            [self.source],
            at,
            tables=cloud.tables,
            documents=cloud.documents,
            events=cloud.events,
        )

    @property
    def told(self) -> list[Any]:
        """What the bus heard of silence."""
        return [detail for kind, detail in self.cloud.events.published if kind == "SourceSilent"]

    def known(self) -> dict[str, Any] | None:
        """Return what is known of the source's silence."""
        return silence_of(self.cloud.documents, self.cloud.tables, "docks")

    def blocks(self) -> bool:
        """Return whether the source lets no model be trained."""
        return blocking_silence(self.cloud.documents, self.cloud.tables, "docks") is not None


def test_a_silence_is_told_once_with_what_was_last_heard_and_ends_with_a_newer_row(cloud: Any) -> None:
    watched = Watched(cloud, docks(d2="warn"))
    watched.bring("2013-01-01", "2013-01-03", at=day(4))
    assert watched.look(day(5)) == []
    for number in (6, 7, 8):
        [found] = watched.look(day(number))
        assert found["newest"] == "2013-01-03T00:00:00Z"
    assert watched.told == [
        {
            "project": "bikes",
            "source": "docks",
            "newest": "2013-01-03T00:00:00Z",
            "arrived": "2013-01-04T00:00:00Z",
            "days": 3.0,
            "checks": [{"check": "the newest row at most 2d old", "severity": "warn"}],
            "at": "2013-01-06T00:00:00Z",
        }
    ]
    assert silences_told(cloud.documents) == ["docks"]
    watched.bring("2013-01-08", at=day(8))
    assert watched.known() is None, "from the commit on, not only from the next look"
    assert watched.look(day(9)) == []
    assert silences_told(cloud.documents) == []
    watched.look(day(12))
    assert [one["newest"][:10] for one in watched.told] == ["2013-01-03", "2013-01-08"], "another silence"


def test_rows_that_arrive_and_are_old_do_not_end_a_silence(cloud: Any) -> None:
    """The newest row counts, whichever commit it came with, and however new the commit is."""
    watched = Watched(cloud, docks(d2="warn"))
    watched.bring("2013-01-03", at=day(3))
    watched.bring("2013-01-01", at=day(9))
    [found] = watched.look(day(10))
    assert (found["newest"], found["arrived"]) == ("2013-01-03T00:00:00Z", "2013-01-09T00:00:00Z")


def test_a_silence_that_warns_blocks_nothing_and_one_that_refuses_blocks_until_somebody_accepts_it(
    cloud: Any,
) -> None:
    watched = Watched(cloud, docks(d2="warn", d4="refuse"))
    watched.bring("2013-01-03", at=day(3))
    watched.look(day(6))
    assert watched.known() is not None
    assert not watched.blocks()
    assert accept_silence(cloud.documents, cloud.tables, "docks") is None, "there is nothing to accept"
    watched.look(day(8))
    assert watched.blocks()
    assert [len(one["checks"]) for one in watched.told] == [1, 2], "that it refuses now is news"
    assert accept_silence(cloud.documents, cloud.tables, "docks") is not None
    [found] = watched.look(day(9))
    assert found["accepted"]
    assert not watched.blocks()
    watched.bring("2013-01-09", at=day(9))
    watched.look(day(14))
    assert watched.blocks(), "what was accepted is that silence, and not the next"


def test_a_source_that_nothing_ever_came_from_and_one_without_freshness_are_not_silent(cloud: Any) -> None:
    assert Watched(cloud, docks(d2="refuse")).look(day(30)) == []
    watched = Watched(cloud, docks())
    watched.bring("2013-01-03", at=day(3))
    assert watched.look(day(30)) == []


def test_a_freshness_that_is_declared_looser_ends_a_silence(cloud: Any) -> None:
    Watched(cloud, docks(d2="refuse")).bring("2013-01-03", at=day(3))
    strict, loose = Watched(cloud, docks(d2="refuse")), Watched(cloud, docks(d20="refuse"))
    assert strict.look(day(6))
    assert loose.look(day(7)) == []
    assert loose.known() is None
    assert strict.look(day(8))
    assert len(strict.told) == 2


@pytest.mark.parametrize("said", [{}, {AT_PROPERTY: "2013-01-03T00:00:00Z"}])
def test_a_commit_that_does_not_say_how_new_it_is_counts_as_of_its_arrival(
    cloud: Any, said: dict[str, str]
) -> None:
    """So do those made before commits said it; one that says nothing at all is no sign of anything."""
    watched = Watched(cloud, docks(d2="warn"))
    cloud.tables.ensure("docks", arrow_schema(watched.source.schema))
    cloud.tables.append("docks", iter([]), said, ids=["1"])
    assert len(watched.look(day(6))) == len(said)


def test_each_source_is_watched_by_one_model_alone() -> None:
    """By the first that learns from it, or the first of all: no silence is told twice."""
    read, unread, timeless = docks(d2="warn"), _renamed(docks(d2="warn"), "spare"), _renamed(docks(), "calm")
    models = [
        Model(
            name,
            observations=Observations(source, key="dock", time=col("seen_at"), request=["dock", "seen_at"]),
            label=col("bikes") > 0,
            features=["dock"],
            estimator=lambda: None,
            split=TimeSplit(validation="7d", test="7d"),
        )
        for name, source in (("idle", timeless), ("empty", read), ("full", read))
    ]
    project = Project("bikes", sources=[read, unread, timeless], models=models)
    watched = {
        name: [each.name for each in sources_to_watch(project, name)] for name in ("idle", "empty", "full")
    }
    assert watched == {"idle": ["spare"], "empty": ["docks"], "full": []}


def _renamed(source: Source, name: str) -> Source:
    return Source(name, source.schema, source.key, source.timestamp, checks=source.checks)
