"""Refused uploads are written down where they can be listed, once each."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tidemill.datasets.findings import Findings, Verdict
from tidemill.datasets.refusals import note_refusal, refused_uploads


def test_a_refusal_that_is_delivered_again_is_listed_once_and_the_newest_comes_first(
    cloud: Any, trips_csv: Any
) -> None:
    first = cloud.put(trips_csv("3,Paris,-1,1,2013-01-03"), "first.csv")
    second = replace(cloud.put(b"trip_id\n1\n", "second.csv"), at=first.at + timedelta(days=1))
    outcomes = [cloud.ingest(upload) for upload in (second, first, first)]
    newest, oldest = refused_uploads(cloud.documents, "trips")
    assert [newest["upload"]["key"], oldest["upload"]["key"]] == [second.key, first.key]
    assert newest["report_key"] == outcomes[0].report_key
    assert "all rows put aside" in oldest["failed"]
    told = [detail for kind, detail in cloud.events.published if kind == "UploadRefused"]
    assert told == [newest, oldest, oldest]


def test_a_process_that_dies_at_any_write_of_a_refusal_leaves_one_entry_in_the_end(
    new_cloud: Any, trips_csv: Any, crash: Any
) -> None:
    died = 0
    for steps in range(1, 20):
        cloud = new_cloud()
        upload = cloud.put(trips_csv("3,Paris,-1,1,2013-01-03"))
        try:
            cloud.crashing(steps).ingest(upload)
        except crash:
            died += 1
        cloud.ingest(upload)
        [listed] = refused_uploads(cloud.documents, "trips")
        assert cloud.documents.get("SOURCES", "trips")[0]["blocked"]["report_key"] == listed["report_key"]
    assert died >= 10, "two steps a write: two of the report, the entry, the block and the event"


def test_a_long_error_is_cut_where_it_is_listed(cloud: Any) -> None:
    """A thousand columns are a thousand reasons; the report has them all."""
    upload = {"digest": "1", "key": "k"}
    said = {"source": "trips", "at": "2013-01-07T00:00:00Z", "upload": upload, "error": "bad column; " * 1000}
    note_refusal(cloud.documents, said)
    [listed] = refused_uploads(cloud.documents, "trips")
    assert len(listed["error"]) <= 300


@pytest.mark.parametrize(("checks", "named"), [(5, 5), (6, 6), (40, 6)])
def test_what_failed_is_named_in_a_few_words_however_much_did(checks: int, named: int) -> None:
    """It is part of every commit's summary, and those are read together."""
    verdicts = [
        Verdict(f"check {number} {'word ' * 50}", "warn", passed=False, found="", rows_failed=number)
        for number in range(checks)
    ]
    failed = Findings(verdicts=verdicts).failed
    assert len(failed) == named
    assert failed[0].startswith(f"check {checks - 1} "), "the one that most rows fail comes first"
    assert max(map(len, failed)) <= 96
    if checks > 5:
        assert failed[-1] == f"and {checks - 5} more"
