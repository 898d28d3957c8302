"""A run is pinned only to sources that may be learned from."""

import pytest

from tests.training.toy import Laboratory, make_context
from tidemill.datasets.blocking import block, lift
from tidemill.errors import CallerError

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


def test_a_run_that_is_pinned_already_is_not_stopped_by_what_came_later(lab: Laboratory) -> None:
    state = lab.run("r1", at=AT)
    block(
        lab.documents,
        lab.tables,
        {"source": "trips", "at": REFUSED_AT, "upload": {"key": "k"}, "error": "e", "failed": ["c"]},
    )
    assert lab.steps(make_context("r1", at=AT))["pin_dataset"](state) == state["pin_dataset"]
