"""Checks with severities, of rows, whole uploads, other sources and earlier commits, in one report."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from tidemill import (
    Float,
    Int,
    Project,
    Source,
    String,
    Timestamp,
    check,
    col,
    drift,
    freshness,
    null_rate,
    references,
    row_count,
    unique,
)
from tidemill.datasets import uploaded_rows
from tidemill.datasets.ingest import ingest_upload
from tidemill.datasets.tables import Commit

cities = Source("cities", {"city": String, "since": Timestamp}, key=["city"], timestamp="since")


def rides(*checks: Any, tolerance: float = 0.5) -> Project:
    """Declare a source with checks, beside the source that some of them refer to."""
    source = Source(
        "rides",
        {"id": String, "city": String, "minutes": Float, "riders": Int, "at": Timestamp},
        key=["id"],
        timestamp="at",
        checks=checks,
        tolerance=tolerance,
    )
    return Project("bikes", sources=[source, cities], models=[])


def lines(*rows: str) -> bytes:
    """Return a file of rides."""
    return ("id,city,minutes,riders,at\n" + "".join(f"{row}\n" for row in rows)).encode()


def many(start: int, minutes: Callable[[int], float], city: str = "Oslo") -> bytes:
    """Return a file of five hundred rides."""
    return lines(*(f"{n},{city},{minutes(n)},1,2013-01-06" for n in range(start, start + 500)))


class Bikes:
    """A project's cloud, and uploads to it."""

    def __init__(self, cloud: Any, project: Project) -> None:
        self.cloud = cloud
        self.project = project
        self._files = 0

    def ingest(self, data: bytes, *, source: str = "rides", days_later: int = 0) -> Any:
        """Upload a file and ingest it."""
        self._files += 1
        upload = self.cloud.put(data, f"{self._files}.csv", source=source)
        moment = upload.at + timedelta(days=days_later)
        return ingest_upload(
            type(upload)(upload.bucket, upload.key, upload.version, moment),
            project=self.project,
            blobs=self.cloud.blobs,
            tables=self.cloud.tables,
            documents=self.cloud.documents,
            events=self.cloud.events,
        )

    def report(self, outcome: Any) -> dict[str, Any]:
        """Return the report on an upload."""
        decoded: dict[str, Any] = json.loads(self.cloud.blobs.get(outcome.report_key))
        return decoded

    def ids(self) -> list[str]:
        """Return the keys of all rows."""
        return sorted(self.cloud.tables.rows("rides").column("id").to_pylist())


@pytest.fixture
def bikes(cloud: Any) -> Callable[..., Bikes]:
    """Return what makes a project with checks."""
    return lambda *checks, **options: Bikes(cloud, rides(*checks, **options))


def verdict(report: dict[str, Any], words: str) -> dict[str, Any]:
    """Return the verdict of the one check whose text has these words."""
    (found,) = [each for each in report["checks"] if words in each["check"]]
    return dict(found)


def test_a_check_that_warns_keeps_its_rows_and_says_so(bikes: Any) -> None:
    system = bikes(check(col("minutes") > 0, severity="warn"))
    outcome = system.ingest(lines("1,Oslo,-1,1,2013-01-06", "2,Oslo,1,1,2013-01-06"))
    assert (outcome.status, outcome.record["rows"], outcome.record["warnings"]) == ("committed", 2, 1)
    found = verdict(system.report(outcome), "minutes")
    assert (found["passed"], found["severity"], found["rows_failed"]) == (False, "warn", 1)
    assert found["examples"][0]["row"] == 1


def test_within_its_tolerance_a_check_that_warns_is_silent(bikes: Any) -> None:
    system = bikes(check(col("minutes") > 0, severity="warn", tolerance=0.5))
    outcome = system.ingest(lines("1,Oslo,-1,1,2013-01-06", "2,Oslo,1,1,2013-01-06"))
    assert outcome.record["warnings"] == 0


def test_a_check_that_refuses_refuses_for_one_row_and_keeps_those_it_tolerates(bikes: Any) -> None:
    data = lines("1,Oslo,-1,1,2013-01-06", "2,Oslo,1,1,2013-01-06")
    assert bikes(check(col("minutes") > 0, severity="refuse")).ingest(data).status == "refused"
    system = bikes(check(col("minutes") > 0, severity="refuse", tolerance=0.5))
    outcome = system.ingest(data)
    assert (outcome.record["rows"], outcome.record["quarantined"]) == (2, 0)


def test_a_quarantine_of_its_own_tolerance_refuses_what_the_source_would_take(bikes: Any) -> None:
    system = bikes(check(col("minutes") > 0, tolerance=0.1), tolerance=1)
    outcome = system.ingest(lines("1,Oslo,-1,1,2013-01-06", "2,Oslo,1,1,2013-01-06"))
    assert outcome.status == "refused"
    assert "more than the tolerated 10.0%" in outcome.error


def test_more_rows_to_put_aside_than_there_is_room_for_are_refused_whatever_is_tolerated(
    bikes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploaded_rows, "_MOST_ASIDE_BYTES", 10_000)
    system = bikes(check(col("minutes") > 0), tolerance=1)
    outcome = system.ingest(many(0, lambda _: -1))
    assert outcome.status == "refused"
    assert "would be put aside; split the file" in outcome.error
    assert system.report(outcome)["rows_quarantined"] == 500
    assert list(system.cloud.blobs.list("quarantine/")) == []


def test_every_failure_is_in_one_report_and_in_the_message(bikes: Any) -> None:
    system = bikes(
        check(col("minutes") > 0, severity="refuse"),
        row_count(at_least=10),
        null_rate("riders", at_most=0.1),
        freshness("1d", severity="refuse"),
    )
    outcome = system.ingest(lines("1,Oslo,-1,,2013-01-02", "2,Oslo,1,1,2013-01-02"))
    assert outcome.status == "refused"
    assert "4 checks refused it" in outcome.error
    failed = [each["check"] for each in system.report(outcome)["checks"] if not each["passed"]]
    assert len(failed) == 4
    found = [
        verdict(system.report(outcome), words)["found"]
        for words in ("at least 10 rows", "of `riders` null", "the newest row")
    ]
    assert found == ["2 rows", "50.00% null", "5.0 days old when it arrived"]


def test_the_page_shows_every_check_and_escapes_what_stands_in_the_file(bikes: Any, cloud: Any) -> None:
    system = bikes(check(col("minutes") > 0, severity="refuse"), row_count(at_least=10))
    outcome = system.ingest(lines("1,<b>Oslo</b>,-1,1,2013-01-06"))
    page = cloud.blobs.get(outcome.report_key.replace(".json", ".html")).decode()
    assert "&lt;b&gt;Oslo&lt;/b&gt;" in page
    assert "<b>Oslo" not in page
    assert "at least 10 rows" in page
    assert page.count(">refused<") == 3, "the upload and two checks"


def test_a_key_of_an_earlier_commit_is_put_aside_as_one_of_an_earlier_row_is(bikes: Any) -> None:
    system = bikes(unique("id", across="commits"))
    assert system.ingest(lines("1,Oslo,1,1,2013-01-06", "2,Oslo,1,1,2013-01-06")).status == "committed"
    outcome = system.ingest(lines("2,Rome,9,1,2013-01-06", "3,Oslo,1,1,2013-01-06", "4,Oslo,1,1,2013-01-06"))
    assert (outcome.record["rows"], outcome.record["quarantined"]) == (2, 1)
    assert system.ids() == ["1", "2", "3", "4"]


def test_uniqueness_across_commits_that_is_declared_late_knows_all_rows(bikes: Any) -> None:
    bikes().ingest(lines("1,Oslo,1,1,2013-01-06"))
    late = bikes(unique("id", across="commits"))
    late.ingest(lines("2,Oslo,1,1,2013-01-06"))
    bikes().ingest(lines("3,Oslo,1,1,2013-01-06"))  # by code that does not keep the index
    outcome = bikes(unique("id", across="commits")).ingest(
        lines(*(f"{n},Rome,1,1,2013-01-06" for n in (1, 2, 3, 4, 5, 6)))
    )
    assert outcome.record["quarantined"] == 3
    assert late.ids() == ["1", "2", "3", "4", "5", "6"]


def test_the_index_of_keys_has_few_runs_however_many_commits(bikes: Any, cloud: Any) -> None:
    system = bikes(unique("id", across="commits"))
    for n in range(20):
        system.ingest(lines(f"{n},Oslo,1,1,2013-01-06"))
    newest: Commit = cloud.tables.commits("rides")[-1]
    assert len(newest.properties["tidemill.keys.id:string"].split()) <= 3
    assert system.ingest(lines("7,Oslo,9,1,2013-01-06", "20,Oslo,1,1,2013-01-06")).record["quarantined"] == 1


def test_of_writers_at_the_same_moment_with_one_key_one_keeps_it(bikes: Any, cloud: Any) -> None:
    """Each commit is checked against the one before it, whoever made that."""
    system = bikes(unique("id", across="commits"))
    files = [lines(f"same,Oslo,{n},1,2013-01-06", f"own-{n},Oslo,1,1,2013-01-06") for n in range(16)]
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(system.ingest, files))
    assert [outcome.status for outcome in outcomes] == ["committed"] * 16
    assert sum(outcome.record["quarantined"] for outcome in outcomes) == 15
    assert system.ids() == sorted(["same", *(f"own-{n}" for n in range(16))])
    assert len(cloud.tables.commits("rides")) == 16


def test_a_row_must_refer_to_what_the_other_source_has_and_null_refers_to_nothing(bikes: Any) -> None:
    system = bikes(references("city", source=cities))
    rows = lines("1,Oslo,1,1,2013-01-06", "2,Rome,1,1,2013-01-06", "3,,1,1,2013-01-06")
    assert system.ingest(rows).status == "refused", "there are no cities yet"
    system.ingest(b"city,since\nOslo,2013-01-01\n", source="cities")
    outcome = system.ingest(rows)
    assert (outcome.record["rows"], outcome.record["quarantined"]) == (2, 1)
    assert verdict(system.report(outcome), "not in source `cities`")["examples"][0]["row"] == 2


def test_a_distribution_that_moved_is_warned_of_and_one_that_did_not_is_not(bikes: Any) -> None:
    system = bikes(drift("minutes"), drift("city"))
    assert system.ingest(many(0, lambda n: 10 + n % 37)).record["warnings"] == 0, "nothing to compare with"
    assert system.ingest(many(500, lambda n: 10 + n % 37)).record["warnings"] == 0
    moved = system.ingest(many(1000, lambda n: 25 + n % 37, "Rome"))
    assert moved.record["warnings"] == 2
    assert "PSI" in verdict(system.report(moved), "`minutes` within")["found"]


def test_drift_looks_back_as_many_commits_as_it_says(bikes: Any) -> None:
    system = bikes(drift("minutes", commits=2, severity="refuse"))
    system.ingest(many(0, lambda n: n % 37))
    for n in (1, 2):
        bikes().ingest(many(n * 500, lambda n: 100 + n % 37))
    assert system.ingest(many(1500, lambda n: 200 + n % 37)).status == "committed", (
        "the last two commits were made without the check, and say nothing of the column"
    )


def test_a_few_rows_are_no_drift(bikes: Any) -> None:
    system = bikes(drift("minutes"))
    system.ingest(many(0, lambda n: n % 37))
    assert system.ingest(lines("a,Oslo,36,1,2013-01-06", "b,Oslo,35,1,2013-01-06")).record["warnings"] == 0


def test_what_was_found_is_kept_with_the_commit_and_told_again(bikes: Any, cloud: Any) -> None:
    system = bikes(check(col("minutes") > 0, severity="warn"))
    data = lines("1,Oslo,-1,1,2013-01-06")
    first = system.report(system.ingest(data))
    again = system.ingest(data)
    assert again.status == "duplicate"
    assert system.report(again) == first
    (commit,) = cloud.tables.commits("rides")
    kept = json.loads(cloud.blobs.get(commit.properties["tidemill.findings"]))
    assert kept["checks"] == first["checks"]
