"""A run is pinned only to sources that may be learned from."""

from datetime import UTC, datetime

import pytest

from tests.training.toy import Laboratory, make_context
from tidemill import Source, String, Timestamp, freshness
from tidemill.datasets.blocking import block, lift
from tidemill.datasets.silence import accept_silence, look_for_silence
from tidemill.datasets.uploads import NEWEST_PROPERTY
from tidemill.errors import CallerError
from tidemill.memory.events import MemoryEvents

AT = "2024-02-26T00:00:00Z"
REFUSED_AT = "2100-01-01T00:00:00Z"


def test_a_blocked_source_blocks_training_and_says_why_and_what_to_do(lab: Laboratory) -> None:
    refusal = {
        "source": "trips",
        "at": REFUSED_AT,
        "upload": {"key": "uploads/bikes/trips/bad.csv"},
        "error": "1 check refused it",
        "failed": ["seats is above 0"],
        "report_key": "reports/uploads/bikes/trips/1.json",
    }
    assert block(lab.documents, lab.tables, refusal)
    with pytest.raises(CallerError) as raised:
        lab.run("r1", at=AT)
    for words in ("`trips`", "is blocked since 2100", "bad.csv", "seats is above 0", "data unblock trips"):
        assert words in str(raised.value)
    lift(lab.documents, "trips")
    assert lab.run("r2", at=AT)["pin_dataset"]["dataset"]["snapshots"]


def test_a_source_that_fell_silent_blocks_training_until_it_is_heard_of_or_somebody_goes_on(
    lab: Laboratory,
) -> None:
    checks = [freshness("1d", severity="refuse")]
    trips = Source("trips", {"id": String, "at": Timestamp}, key=["id"], timestamp="at", checks=checks)
    said = {NEWEST_PROPERTY: "2024-02-25T00:00:00Z"}
    lab.tables.append("trips", iter([]), said, ids=["the last that was heard"])
    long_after = datetime(2030, 1, 1, tzinfo=UTC)
    look_for_silence(
        "bikes", [trips], long_after, tables=lab.tables, documents=lab.documents, events=MemoryEvents()
    )
    with pytest.raises(CallerError) as raised:
        lab.run("r1", at=AT)
    for words in ("`trips`", "is silent", "2030-01-01", "at most 1d old", "data unblock trips"):
        assert words in str(raised.value)
    assert accept_silence(lab.documents, lab.tables, "trips")
    assert lab.run("r2", at=AT)["pin_dataset"]["dataset"]["snapshots"]


def test_a_run_that_is_pinned_already_is_not_stopped_by_what_came_later(lab: Laboratory) -> None:
    state = lab.run("r1", at=AT)
    block(
        lab.documents,
        lab.tables,
        {"source": "trips", "at": REFUSED_AT, "upload": {"key": "k"}, "error": "e", "failed": ["c"]},
    )
    assert lab.steps(make_context("r1", at=AT))["pin_dataset"](state) == state["pin_dataset"]
