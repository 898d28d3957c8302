"""A source whose newest data failed their checks is blocked until that is settled."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tidemill.datasets.blocking import block, blocking_refusal, lift
from tidemill.memory.documents import MemoryDocuments
from tidemill.memory.tables import MemoryTables


def refusal(at: str) -> dict[str, Any]:
    return {"source": "trips", "at": at, "upload": {"key": "uploads/bikes/trips/a.csv"}, "error": "bad"}


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


def blocked(documents: MemoryDocuments, at: str) -> bool:
    return block(documents, MemoryTables(), refusal(at))


def test_a_refusal_blocks_and_a_later_commit_lifts_it(documents: MemoryDocuments) -> None:
    assert blocking_refusal(documents, "trips") is None
    assert blocked(documents, "2013-01-07T00:00:00Z")
    assert blocking_refusal(documents, "trips") == refusal("2013-01-07T00:00:00Z")
    assert lift(documents, "trips", since="2013-01-07T00:00:00.5Z") == refusal("2013-01-07T00:00:00Z")
    assert blocking_refusal(documents, "trips") is None


def test_an_earlier_commit_that_is_told_of_late_lifts_nothing(documents: MemoryDocuments) -> None:
    blocked(documents, "2013-01-07T00:00:00Z")
    assert lift(documents, "trips", since="2013-01-06T23:59:59Z") is None
    assert blocking_refusal(documents, "trips") is not None


def test_a_refusal_that_is_delivered_again_after_it_was_lifted_does_not_block(
    documents: MemoryDocuments,
) -> None:
    blocked(documents, "2013-01-07T00:00:00Z")
    lift(documents, "trips")
    assert not blocked(documents, "2013-01-07T00:00:00Z")
    assert blocking_refusal(documents, "trips") is None
    assert blocked(documents, "2013-01-07T00:00:01Z"), "a later refusal is another one"


def test_only_checks_block_and_a_good_upload_lifts(cloud: Any, trips_csv: Any) -> None:
    cloud.ingest(cloud.put(b"trip_id\n1\n"))
    assert blocking_refusal(cloud.documents, "trips") is None, "a broken file says nothing of the data"
    refused = cloud.ingest(cloud.put(trips_csv("3,Paris,-1,1,2013-01-03")))
    found = blocking_refusal(cloud.documents, "trips")
    assert found is not None
    assert found["report_key"] == refused.report_key
    cloud.ingest(cloud.put(trips_csv("3,Rome,1,1,2013-01-03")))
    assert blocking_refusal(cloud.documents, "trips") is None


def test_a_refused_upload_that_is_told_of_after_a_newer_commit_does_not_block(
    cloud: Any, trips_csv: Any
) -> None:
    bad = cloud.put(trips_csv("3,Paris,-1,1,2013-01-03"), "old.csv")
    good = cloud.put(trips_csv("3,Rome,1,1,2013-01-03"))
    cloud.ingest(replace(good, at=good.at + timedelta(seconds=1)))
    assert cloud.ingest(bad).status == "refused"
    assert blocking_refusal(cloud.documents, "trips") is None


def test_a_refused_upload_of_the_same_second_as_a_commit_blocks(cloud: Any, trips_csv: Any) -> None:
    """Events tell seconds: which of the two came later nobody knows."""
    cloud.ingest(cloud.put(trips_csv("3,Rome,1,1,2013-01-03")))
    cloud.ingest(cloud.put(trips_csv("3,Paris,-1,1,2013-01-03"), "bad.csv"))
    assert blocking_refusal(cloud.documents, "trips") is not None
